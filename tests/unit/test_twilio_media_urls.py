"""Which URLs a message's files are fetched from."""

import pytest

from shared.model.errors import RejectedError
from shared.providers.twilio.media_urls import NEUTRAL_TYPE, host_and_path, is_public, media_type


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://api.twilio.com/2010/Media/ME1", "api.twilio.com", "/2010/Media/ME1"),
        ("https://mms.twiliocdn.com/a/b?x=1&y=%20", "mms.twiliocdn.com", "/a/b?x=1&y=%20"),
        (
            "https://s3-external-1.amazonaws.com/media.twiliocdn.com/AC1/2",
            "s3-external-1.amazonaws.com",
            "/media.twiliocdn.com/AC1/2",
        ),
    ],
)
def test_a_providers_own_hosts_are_asked(url: str, host: str, path: str) -> None:
    assert host_and_path(url) == (host, path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://api.twilio.com/x",
        "https://api.twilio.com",
        "https://api.twilio.com:22/x",
        "https://user@api.twilio.com/x",
        "https://api.twilio.com@evil.example/x",
        "https://api.twilio.com\\@evil.example/x",
        "https://api.twilio.com/x\r\nHost: evil.example",
        "https://api.twilio.com.evil.example/x",
        "https://eviltwilio.com/x",
        "https://twilio.com/x",
        "https://s3-external-1.amazonaws.com/another-bucket/x",
        "https://s3.amazonaws.com/media.twiliocdn.com/x",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:169.254.169.254]/",
        "https://2852039166/",
        "https://localhost/",
        "file:///etc/passwd",
    ],
)
def test_nothing_else_is(url: str) -> None:
    with pytest.raises(RejectedError):
        host_and_path(url)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("54.172.60.0", True),
        ("169.254.169.254", False),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::ffff:169.254.169.254", False),
        ("fd00:ec2::254", False),
    ],
)
def test_only_the_internet_is_connected_to(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("image/jpeg", "image/jpeg"),
        ("Image/JPEG; name=a", "image/jpeg"),
        ("", NEUTRAL_TYPE),
        ("image", NEUTRAL_TYPE),
        ("image/jpeg\r\nx: y", NEUTRAL_TYPE),
        ("a/" + "b" * 99, NEUTRAL_TYPE),
    ],
)
def test_a_type_is_one_or_neutral(told: str, kept: str) -> None:
    assert media_type(told) == kept
