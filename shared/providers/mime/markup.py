"""HTML to readable text, in time linear in its length.

Python's own HTMLParser needs over 20 s for 100 kB of `<a <a <a …` (3.11.7). Here every token,
finished or not, swallows what was looked at for it, so nothing is looked at twice.
"""

import html
import re

MAX_HTML = 1024 * 1024
RULE = "_" * 32  # what Outlook writes above the mail it answers
_MAX_BREAKS = 3
_MAX_DEPTH = 10

_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<(?:[!?]|/(?![a-zA-Z]))[^>]*+(?:>|\Z)"
    r"|<(?P<close>/?)(?P<tag>[a-zA-Z][^\s/>]*+)"
    r"(?P<attributes>(?:[^>=]++|=\s*+\"[^\"]*+(?:\"|\Z)|=\s*+'[^']*+(?:'|\Z)|=)*+)(?:>|\Z)",
    re.DOTALL,
)
_SPACE = re.compile(r"[ \t\r\n\f]+")  # not the no-break space
_LONG_NUMBER = re.compile(r"&#\d{8,}+;?")  # int() refuses those of over 4300 digits
_EMPTY_LINES = re.compile(r"\n{3,}")

_UNREAD = frozenset({"script", "style", "title", "template", "textarea", "xmp", "noembed"})
_PARAGRAPHS = frozenset(
    {"p", "blockquote", "ul", "ol", "table", "pre", "h1", "h2", "h3", "h4", "h5", "h6"}
)
_LINES = frozenset(
    {"div", "tr", "li", "hr", "section", "article", "header", "footer", "main", "address"}
    | {"body", "center", "dl", "dt", "dd", "form"}
)
_CITED = re.compile(r"type\s*=\s*[\"']?cite|quote", re.IGNORECASE)


def to_text(markup: str) -> str:
    """What a reader sees of `markup` (its first 1 MB), older mail quoted by `> ` or a rule."""
    writer = _Writer()
    writer.read(markup[:MAX_HTML])
    return writer.text()


class _Writer:
    def __init__(self) -> None:
        self._out: list[str] = []
        self._breaks = 0  # line feeds owed before the next text
        self._space = False  # a space owed, if it stays in the line
        self._bullet = ""
        self._preformatted = 0
        self._quotes: list[tuple[str, int]] = []  # open quotes: tag, and how often it nests there
        self._depth = 0  # of the line that is being written

    def text(self) -> str:
        lines = "".join(self._out).replace("\xa0", " ").split("\n")
        return _EMPTY_LINES.sub("\n\n", "\n".join(line.rstrip() for line in lines)).strip("\n")

    def read(self, markup: str) -> None:
        position = 0
        while token := _TOKEN.search(markup, position):
            self._characters(markup[position : token.start()])
            position = token.end()
            tag = (token["tag"] or "").lower()
            if tag in _UNREAD and not token["close"]:
                ending = re.compile(rf"</{tag}", re.IGNORECASE).search(markup, position)
                position = ending.start() if ending else len(markup)
            elif tag and token["close"]:
                self._close(tag)
            elif tag:
                self._open(tag, token["attributes"])
        self._characters(markup[position:])

    def _open(self, tag: str, attributes: str) -> None:
        if tag == "br":
            self._breaks = min(self._breaks + 1, _MAX_BREAKS)
            return
        if tag in _PARAGRAPHS:  # Outlook makes every line a paragraph without margins
            self._break(1 if "MsoNormal" in attributes else 2)
        elif tag in _LINES:
            self._break(1)
        self._nest(tag, 1)
        if (tag == "blockquote" and _CITED.search(attributes)) or "yahoo_quoted" in attributes:
            self._quotes.append((tag, 1))
        if "divRplyFwdMsg" in attributes or "OLK_SRC_BODY_SECTION" in attributes:
            self._write(RULE)
            self._break(1)
        match tag:
            case "li":
                self._bullet = "- "
            case "td" | "th":
                self._space = True
            case "pre":
                self._preformatted += 1

    def _close(self, tag: str) -> None:
        if tag in _PARAGRAPHS or tag in _LINES:
            self._break(1)
        self._nest(tag, -1)
        if tag == "pre":
            self._preformatted = max(self._preformatted - 1, 0)

    def _nest(self, tag: str, change: int) -> None:
        """Count elements like the one that quotes, so that its own end is known."""
        if self._quotes and self._quotes[-1][0] == tag:
            _, open_ones = self._quotes.pop()
            if open_ones + change:
                self._quotes.append((tag, open_ones + change))

    def _break(self, wanted: int) -> None:
        self._breaks = max(self._breaks, wanted)

    def _characters(self, raw: str) -> None:
        if not raw:
            return
        text = html.unescape(_LONG_NUMBER.sub("\ufffd", raw))
        if self._preformatted:
            for number, line in enumerate(text.split("\n")):
                self._breaks = min(self._breaks + bool(number), _MAX_BREAKS)
                self._write(line)
            return
        flowing = _SPACE.sub(" ", text)
        self._space = self._space or flowing.startswith(" ")
        self._write(flowing.strip(" "))
        self._space = self._space or flowing.endswith(" ")

    def _write(self, text: str) -> None:
        if not text:
            return
        depth = min(len(self._quotes), _MAX_DEPTH)
        if depth != self._depth:
            self._break(1)
        if self._out and self._breaks:
            empty = "\n" + ">" * min(depth, self._depth)
            self._out += [empty * (self._breaks - 1), "\n"]
        if not self._out or self._breaks:
            self._out.append("> " * depth)
        elif self._space:
            self._out.append(" ")
        self._out += [self._bullet, text]
        self._breaks, self._space, self._bullet, self._depth = 0, False, "", depth
