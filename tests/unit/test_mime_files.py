"""The files of a mail (channels.md §2.8: 16)."""

import pytest

from tests.mails import captured, mail, parse, read


def test_file_names_are_safe_to_show_and_no_two_alike() -> None:
    names = [file.name for file in read(captured("attachments")).attachments]
    assert names == [
        "passwd.pdf",
        "invoicefdp.exe",
        f"{('long-' * 24)[:116]}.pdf",
        "PASSWD (4).pdf",
        "attachment-5.eml",
        "attachment-6.png",
    ]
    assert max(map(len, names)) == 120


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="a.pdf"', "a.pdf"),
        ("attachment; filename=a.pdf; size=3", "a.pdf"),
        ("attachment; filename*=UTF-8''caf%C3%A9.pdf", "café.pdf"),
        ("attachment; filename*=iso-8859-1'en'caf%E9.pdf; filename=x.pdf", "café.pdf"),
        ("attachment; filename*0*=UTF-8''caf%C3; filename*1*=%A9; filename*2=.pdf", "café.pdf"),
        ('attachment; filename="=?utf-8?B?Y2Fmw6kucGRm?="', "café.pdf"),
        ('attachment; filename="café.pdf"', "café.pdf"),
        (r'attachment; filename="a\"b\".pdf"', 'a"b".pdf'),
        (r'attachment; filename="C:\\Users\\Ana\\a.pdf"', "a.pdf"),
        ('attachment; filename="a\tb\x00\x1b.pdf"', "a b.pdf"),
        ('attachment; filename=".."', "attachment-1"),
        ('attachment; filename=""', "attachment-1"),
        ("attachment; filename", "attachment-1"),
        ("attachment; filename*", "attachment-1"),
        ("attachment; filename*=x-unknown''%E4.pdf", "ä.pdf"),
        ("attachment; filename*99999999=x", "attachment-1"),
        (f"attachment; filename={'a' * 9000}", "a" * 120),
    ],
)
def test_a_files_name_is_read_in_every_way_it_is_written(header: str, name: str) -> None:
    raw = mail("Content-Type: application/x-thing", f"Content-Disposition: {header}", body="x")
    assert [file.name for file in read(raw).attachments] == [name]


def test_a_files_bytes_stand_beside_its_row() -> None:
    parsed = parse(captured("attachments"))
    assert tuple(file.attachment for file in parsed.files) == parsed.message.attachments
    assert parsed.files[0].content == b"%PDF-1.4\n"
    assert parsed.files[-1].content == b"not base64"
    assert [file.attachment.size_bytes for file in parsed.files] == [
        len(file.content) for file in parsed.files
    ]
    assert all(not file.attachment.object_key for file in parsed.files)


def test_broken_base64_gives_the_bytes_there_are() -> None:
    raw = mail("Content-Type: image/png", "Content-Transfer-Encoding: base64", body="iVBORw0KG")
    parsed = parse(raw)
    assert parsed.files[0].content == b"\x89PNG\r\n"
    assert parsed.message.defects == ("encoding_broken",)


@pytest.mark.parametrize("media_type", ["x", "a/b c", "/", "text/<b>", "é/x", "a/" + "b" * 200])
def test_a_media_type_that_is_none_is_taken_for_text(media_type: str) -> None:
    raw = mail(f"Content-Type: {media_type}", "Content-Disposition: attachment; filename=a.x")
    assert [file.media_type for file in read(raw).attachments] == ["text/plain"]
