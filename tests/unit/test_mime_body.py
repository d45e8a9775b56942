"""Which parts are the text, in which characters (channels.md §2.2, §2.7, §2.8: 14)."""

import base64
import time

import pytest

from shared.providers.mime.markup import to_text
from tests.mails import mail, parse, read

GREETING = "Привет, Größe"


def part(media_type: str, content: str, *headers: str) -> str:
    return "\r\n".join([f"Content-Type: {media_type}", *headers, "", content])


def multipart(subtype: str, *parts: str) -> str:
    boundary = f"b-{subtype}"
    sections = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return part(f'multipart/{subtype}; boundary="{boundary}"', f"{sections}--{boundary}--\r\n")


def mail_of(content: str) -> bytes:
    headers, _, body = content.partition("\r\n\r\n")
    return mail(headers, body=body)


TEXT = part("text/plain; charset=utf-8", "plain words")
HTML = part("text/html; charset=utf-8", "<p>rich words</p>")
PDF = part("application/pdf; name=a.pdf", "%PDF")


@pytest.mark.parametrize(
    ("content", "text", "html", "files"),
    [
        (TEXT, "plain words", "", 0),
        (HTML, "rich words", "<p>rich words</p>", 0),
        (multipart("alternative", TEXT, HTML), "plain words", "<p>rich words</p>", 0),
        (multipart("alternative", HTML, TEXT), "plain words", "<p>rich words</p>", 0),
        (
            multipart("alternative", part("text/plain", " \r\n"), HTML),
            "rich words",
            "<p>rich words</p>",
            0,
        ),
        (
            multipart("mixed", multipart("alternative", TEXT, HTML), PDF),
            "plain words",
            "<p>rich words</p>",
            1,
        ),
        (
            multipart("alternative", TEXT, multipart("related", HTML, PDF)),
            "plain words",
            "<p>rich words</p>",
            1,
        ),
        (multipart("mixed", TEXT, PDF, TEXT), "plain words\nplain words", "", 1),
        (multipart("mixed", TEXT, HTML), "plain words\nrich words", "<p>rich words</p>", 0),
        (multipart("signed", TEXT, part("application/pgp-signature", "x")), "plain words", "", 1),
        (multipart("alternative", TEXT, part("text/x-amp-html", "x")), "plain words", "", 0),
        (multipart("mixed", part("text/plain; name=a.txt", "a file"), TEXT), "plain words", "", 1),
        # What has no text at all shows what its text file says.
        (part("text/plain", "a file", "Content-Disposition: attachment"), "a file", "", 1),
        (part("text/html; name=a.html", "<p>a page</p>"), "a page", "", 1),
        (PDF, "", "", 1),
        (part("text/plain", ""), "", "", 0),
        (part("nonsense", "words"), "words", "", 0),
        (multipart("mixed", "", "\r\nwords"), "words", "", 0),
    ],
)
def test_the_body_is_found_among_the_parts(content: str, text: str, html: str, files: int) -> None:
    message = read(mail_of(content))
    assert (message.text, message.html.strip(), len(message.attachments)) == (text, html, files)
    assert message.defects == ()


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ('multipart/mixed; boundary="never"', "words\r\n"),
        ("multipart/mixed", "--x\r\n\r\nwords\r\n--x--"),
        ('multipart/mixed; boundary=""', "words"),
    ],
)
def test_a_multipart_that_cannot_be_split_is_shown_as_it_is(header: str, body: str) -> None:
    message = read(mail(f"Content-Type: {header}", body=body))
    assert "words" in message.text
    assert message.defects == ("mime_broken",)


def test_a_part_without_headers_is_text() -> None:
    body = "--b\r\n\r\nwords\r\n--b--"
    assert read(mail("Content-Type: multipart/mixed; boundary=b", body=body)).text == "words"


def test_what_follows_the_last_part_is_not_read() -> None:
    body = "before\r\n--b\r\n\r\nwords\r\n--b--\r\nafter\r\n--b\r\n\r\nhidden\r\n--b--"
    assert read(mail("Content-Type: multipart/mixed; boundary=b", body=body)).text == "words"


def test_a_delimiter_is_a_line_of_its_own() -> None:
    body = "--b\r\n\r\none --b\r\n--bc\r\n --b\r\n--b \t\r\n\r\ntwo\r\n--b--"
    message = read(mail("Content-Type: multipart/mixed; boundary=b", body=body))
    assert message.text == "one --b\n--bc\n --b\ntwo"


def test_a_last_part_that_is_cut_off_is_read() -> None:
    body = "--b\r\n\r\nwords\r\n--b\r\nContent-Type: image/png\r\n\r\ncut"
    message = read(mail("Content-Type: multipart/mixed; boundary=b", body=body))
    assert (message.text, message.attachments[0].size_bytes) == ("words", 3)


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("utf-8", "utf-8", GREETING),
        ("KOI8-R", "koi8-r", "Привет"),
        ("iso-8859-1", "cp1252", "“29 €”"),
        ("us-ascii", "utf-8", GREETING),
        ("us-ascii", "cp1252", "Größe"),
        ("", "utf-8", GREETING),
        ("gb2312", "gb18030", "朱镕基"),
        ("ks_c_5601-1987", "cp949", "똠방각하"),
        ("shift_jis", "cp932", "①髙"),
        ("cp-850", "cp850", "Größe"),
        ("iso-8859-8-i", "iso-8859-8", "שלום"),
        ("utf-16", "utf-16", GREETING),
    ],
)
def test_text_is_read_in_the_charset_it_was_really_written_in(
    charset: str, codec: str, text: str
) -> None:
    encoded = base64.b64encode(text.encode(codec))
    headers = (f"Content-Type: text/plain; charset={charset}", "Content-Transfer-Encoding: base64")
    message = read(mail(*headers, body=encoded))
    assert (message.text, message.defects) == (text, ())


@pytest.mark.parametrize(
    "charset",
    ["x-unknown", "rot13", "idna", "punycode", "unicode_escape", "zlib", "../x", "a" * 300, "é"],
)
def test_an_unknown_charset_is_guessed_and_noted(charset: str) -> None:
    message = read(mail(f'Content-Type: text/plain; charset="{charset}"', body="Größe"))
    assert (message.text, message.defects) == ("Größe", ("charset_unknown",))


@pytest.mark.parametrize(
    ("encoding", "body", "text", "defects"),
    [
        ("quoted-printable", "Gr=C3=B6=C3=9Fe=\r\n 42 =ZZ", "Größe 42 =ZZ", ()),
        ("base64", "aGVsbG8=", "hello", ()),
        ("BASE64 ", "aGVs\r\nbG8=", "hello", ()),
        ("base64", "aGVsbG8", "hello", ("encoding_broken",)),
        ("base64", "aGVsb", "hel", ("encoding_broken",)),
        ("8bit", "Größe", "Größe", ()),
        ("x-uuencode", "hello", "hello", ("encoding_broken",)),
    ],
)
def test_transfer_encodings_are_undone(
    encoding: str, body: str, text: str, defects: tuple[str, ...]
) -> None:
    message = read(mail(f"Content-Transfer-Encoding: {encoding}", body=body))
    assert (message.text, message.defects) == (text, defects)


def test_no_nul_and_no_lone_surrogate_is_kept() -> None:
    body = base64.b64encode("a\x00b\x07c\ufeff".encode() + b"\xed\xa0\x80")
    message = read(
        mail(
            "Subject: a\x00b =?utf-7?Q?+2AA-?=",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: base64",
            body=body,
        )
    )
    assert message.text.encode()
    assert message.text.startswith("abc")
    assert message.subject.encode()
    assert "\x00" not in message.subject


def test_a_body_beyond_one_megabyte_is_cut_and_kept_whole_as_a_file() -> None:
    parsed = parse(mail(body="word " * 400_000))
    assert len(parsed.message.text) <= 1024 * 1024
    assert parsed.message.defects == ("body_truncated",)
    assert [len(file.content) for file in parsed.files] == [2_000_000]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<div>one</div><div><br></div><div>two<br>three</div>", "one\n\ntwo\nthree"),
        ("<p>one</p><p>two  \n words</p>", "one\n\ntwo words"),
        ('<p class="MsoNormal">one</p><p class="MsoNormal">two</p>', "one\ntwo"),
        ("a<b>b</b> <i>c</i>d", "ab cd"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<ul><li>a</li><li>b</li></ul>c", "- a\n- b\nc"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("1 &lt; 2 &amp; &euro;&#8364;&#x20AC; &unknown;", "1 < 2 & €€€ &unknown;"),
        ("<style>p{}</style><script>if (a<b) x()</script><title>t</title>ok", "ok"),
        ("<!-- <p>no</p> -->yes<!DOCTYPE x><?xml y?></ z>", "yes"),
        ("a < b and c > d", "a < b and c > d"),
        ('<a href="x>y" title=it\'s>link</a> z', "link z"),
        ("never <b>closed", "never closed"),
        ('<blockquote type="cite">old<br>mail</blockquote>new', "> old\n> mail\nnew"),
        ("<blockquote>indented</blockquote>", "indented"),
        (f"<p>&#{'9' * 5000};</p>", "\ufffd"),
        ("&#xD800;", "\ufffd"),
    ],
)
def test_html_reads_as_it_looks(markup: str, text: str) -> None:
    assert to_text(markup) == text


def test_html_that_is_never_closed_does_not_take_quadratic_time() -> None:
    """Python's HTMLParser needs over 20 s for a tenth of the second of these."""
    for piece in (
        "<!--",
        "<a ",
        '<a x="',
        "</",
        "<?",
        "<![CDATA[",
        "&#9",
        "<div>",
        "<a>",
        "<script>",
    ):
        markup = piece * (1024 * 1024 // len(piece))
        began = time.process_time()
        to_text(markup)
        assert time.process_time() - began < 5, piece
