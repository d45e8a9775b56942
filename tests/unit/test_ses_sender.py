"""Mail out through SES: one request, and an honest word on what became of it."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from shared.model.entry import Attachment, Channel, File
from shared.model.identity import Address, IdentityKind
from shared.model.receipt import ReceiptKey
from shared.model.sending import Accepted, OutboundMessage, Refused, SendResult, Unknown
from shared.providers.ses import SesSender
from shared.providers.ses.composing import compose
from shared.runtime import clients
from tests.loopback import Reply, closed_url, provider
from tests.mails import read

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

AT = datetime(2026, 11, 20, 9, 15, 3, 123000, tzinfo=UTC)
SES_ID = "0100019a9f0c2b1e-1f2e3d4c-5b6a-7988-96a5-b4c3d2e1f0aa-000000"
MESSAGE = OutboundMessage(
    key=ReceiptKey(home="ctc_1", at=AT, entry_id="ent_1"),
    channel=Channel.EMAIL,
    to=Address(IdentityKind.EMAIL, "ana@example.org"),
    sender="support@in.example.com",
    text="Grüße\nFrom us",
    subject="Re: Where is my order?",
    message_id="ent_1@in.example.com",
    in_reply_to="b@example.org",
    references=(f"{SES_ID}@email.amazonses.com", "b@example.org"),
    reply_to="support+token@in.example.com",
)


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


def client(url: str) -> "SESV2Client":
    once = Config(read_timeout=0.3, retries={"mode": "standard", "total_max_attempts": 1})
    return boto3.client("sesv2", region_name="eu-west-1", endpoint_url=url, config=once)


def send(url: str, message: OutboundMessage = MESSAGE) -> SendResult:
    return SesSender(client(url), "throughline").send(message)


def accepted() -> Reply:
    return Reply(200, json.dumps({"MessageId": SES_ID}).encode())


def failed(status: int, code: str, message: str = "") -> Reply:
    body = json.dumps({"message": message}).encode()
    return Reply(status, body, {"x-amzn-ErrorType": code})


def composed(**changes: Any) -> EmailMessage:
    mail = message_from_bytes(compose(replace(MESSAGE, **changes)), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def test_a_mail_is_sent_once_to_one_address_with_tags_that_name_its_receipt() -> None:
    with provider(accepted()) as ses:
        assert send(ses.url) == Accepted(
            SES_ID, (f"{SES_ID}@email.amazonses.com", f"{SES_ID}@eu-west-1.amazonses.com")
        )
    [request] = ses.requests
    sent = json.loads(request.body)
    assert sent["Destination"] == {"ToAddresses": ["ana@example.org"]}
    assert sent["FromEmailAddress"] == "support@in.example.com"
    assert sent["ConfigurationSetName"] == "throughline"
    assert sent["EmailTags"] == [
        {"Name": "home", "Value": "ctc_1"},
        {"Name": "at", "Value": "1795166103123"},
        {"Name": "entry", "Value": "ent_1"},
    ]


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (failed(429, "TooManyRequestsException"), Refused("TooManyRequestsException", final=False)),
        (failed(400, "ThrottlingException"), Refused("ThrottlingException", final=False)),
        (failed(400, "LimitExceededException"), Refused("LimitExceededException", final=False)),
        (failed(400, "BadRequestException"), Refused("BadRequestException", final=True)),
        (failed(400, "MessageRejected", "bad content"), Refused("MessageRejected", final=True)),
        (failed(418, "SomethingNew"), Refused("SomethingNew", final=True)),
        (
            failed(400, "MessageRejected", "Email address is not verified. ana@example.org"),
            Refused("MessageRejected", final=False, misconfigured=True),
        ),
        *(
            (failed(status, code), Refused(code, final=False, misconfigured=True))
            for status, code in [
                (400, "AccountSuspendedException"),
                (400, "SendingPausedException"),
                (400, "MailFromDomainNotVerifiedException"),
                (404, "NotFoundException"),
                (403, "AccessDeniedException"),
                (403, "UnrecognizedClientException"),
                (403, "ExpiredTokenException"),
                (403, "InvalidSignatureException"),
            ]
        ),
        (failed(500, "InternalFailure"), Unknown("InternalFailure")),
        (failed(503, "ServiceUnavailable"), Unknown("ServiceUnavailable")),
        (Reply(0), Unknown("ConnectionClosedError")),
        (Reply(200, b"{}"), Unknown("NoMessageId")),
    ],
)
def test_an_answer_tells_whether_the_mail_may_have_left_and_is_not_asked_for_twice(
    answer: Reply, result: SendResult
) -> None:
    with provider(answer) as ses:
        assert send(ses.url) == result
    assert len(ses.requests) == 1


def test_a_mail_may_have_left_when_ses_is_silent() -> None:
    def hang() -> Reply:
        time.sleep(0.6)
        return accepted()

    with provider(hang) as ses:
        assert send(ses.url) == Unknown("ReadTimeoutError")
    assert len(ses.requests) == 1


def test_no_mail_left_when_ses_was_not_reached() -> None:
    assert send(closed_url()) == Refused("EndpointConnectionError", final=False)


def test_missing_credentials_are_about_our_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "none")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers credentials
    result = send(closed_url())
    assert result == Refused("NoCredentialsError", final=False, misconfigured=True)


def test_our_own_client_asks_once_and_one_that_retries_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    SesSender(clients.sesv2.__wrapped__(), "throughline")
    retrying = boto3.client("sesv2", region_name="eu-west-1")
    with pytest.raises(ValueError, match="ask once"):
        SesSender(retrying, "throughline")


@pytest.mark.parametrize(
    "address",
    ["jürgen@example.org", '"a b"@example.org', "a,b@example.org", "a@b@c", "a\n@b", "@", ""],
)
def test_an_address_ses_cannot_send_to_is_refused_before_asking(address: str) -> None:
    with provider(accepted()) as ses:
        message = replace(MESSAGE, to=Address(IdentityKind.EMAIL, address))
        assert send(ses.url, message) == Refused("InvalidAddress", final=True)
    assert ses.requests == []


def test_a_domain_in_another_script_is_written_in_punycode() -> None:
    to = Address(IdentityKind.EMAIL, "ana@bücher.example")
    assert composed(to=to)["To"] == "ana@xn--bcher-kva.example"


def test_the_headers_let_any_answer_find_its_conversation() -> None:
    mail = composed()
    assert mail["Reply-To"] == "support+token@in.example.com"
    assert mail["Message-ID"] == "<ent_1@in.example.com>"
    assert mail["In-Reply-To"] == "<b@example.org>"
    assert str(mail["References"]).split() == [
        "<ent_1@in.example.com>",
        f"<{SES_ID}@email.amazonses.com>",
        "<b@example.org>",
    ]


def test_no_message_id_is_ever_encoded_or_cut() -> None:
    ids = tuple(f"{number}{'x' * 90}@example.org" for number in range(50))
    raw = compose(replace(MESSAGE, references=ids))
    assert all(f"<{one}>".encode() in raw for one in ids)
    assert max(map(len, raw.split(b"\r\n"))) < 998


def test_a_mail_starts_a_conversation_without_headers_of_another() -> None:
    mail = composed(in_reply_to="", references=(), reply_to="")
    assert mail["References"] == "<ent_1@in.example.com>"
    assert "In-Reply-To" not in mail
    assert "Reply-To" not in mail


def test_a_persons_answer_is_not_automatic_and_a_rules_is() -> None:
    assert "Auto-Submitted" not in composed()
    mail = composed(automatic=True)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"


@pytest.mark.parametrize("html", ["", "<p>Grüße</p>"])
def test_the_text_arrives_as_it_was_written(html: str) -> None:
    raw = compose(replace(MESSAGE, html=html))
    assert raw.isascii()
    message = read(raw)
    assert message.text == "Grüße\nFrom us"
    assert message.html.strip() == html


def test_files_travel_in_the_mail_under_their_names_and_types() -> None:
    sent = [
        (Attachment(name="Straße.pdf", media_type="application/pdf"), b"%PDF\r\n\x00\xff"),
        (Attachment(name='a"b\\.txt', media_type="text/plain"), "ü\r.\n".encode()),
        (Attachment(name="n" * 116 + ".eml", media_type="message/rfc822"), b"Subject: in it\n\nx"),
    ]
    raw = compose(replace(MESSAGE, html="<p>x</p>", files=tuple(File(*each) for each in sent)))
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) < 998
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    files = [
        (part.get_filename(), part.get_content_type(), part.get_payload(decode=True))
        for part in mail.iter_attachments()
    ]
    assert files == [
        (sent[0][0].name, "application/pdf", sent[0][1]),
        (sent[1][0].name, "text/plain", sent[1][1]),
        (sent[2][0].name, "application/octet-stream", sent[2][1]),
    ]
    assert read(raw).text == "Grüße\nFrom us"


def test_nothing_in_a_subject_becomes_a_header() -> None:
    mail = composed(subject="Hello\r\nBcc: eve@example.org\x00\ud800 \u202e" + "ü" * 300)
    assert "Bcc" not in mail
    assert str(mail["Subject"]).startswith("Hello Bcc: eve@example.org üüü")


def test_nothing_in_a_message_id_becomes_a_header() -> None:
    assert "Bcc" not in composed(in_reply_to="a@b\r\nBcc: eve@example.org")


def test_our_own_mail_coming_back_is_known_as_automatic() -> None:
    assert read(compose(MESSAGE)).automatic
