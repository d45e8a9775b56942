"""HTML to readable text, in time linear in its length.

Python's own HTMLParser needs over 20 s for 100 kB of `<a <a <a …` (3.11.7). Here every token,
finished or not, swallows what was looked at for it, so nothing is looked at twice.
"""

import html
import re

MAX_HTML = 1024 * 1024
_MAX_QUOTE_DEPTH = 10

_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<[!?/][^>a-zA-Z][^>]*+(?:>|\Z)"
    r"|<(?P<close>/?)(?P<tag>[a-zA-Z][^\s/>]*+)"
    r"(?P<attributes>(?:=\s*+\"[^\"]*+(?:\"|\Z)|=\s*+'[^']*+(?:'|\Z)|[^>])*+)(?:>|\Z)",
    re.DOTALL,
)
_SPACE = re.compile(r"[ \t\r\n\f]+")
_LONG_NUMBER = re.compile(r"&#0*+\d{8,}+;?")
_UNREAD = frozenset({"script", "style", "title", "template", "textarea", "xmp", "noembed"})
_PARAGRAPHS = frozenset({"p", "blockquote", "ul", "ol", "table", "pre", "h1", "h2", "h3", "h4", "h5", "h6"})
_LINES = frozenset(
    {"div", "tr", "li", "hr", "section", "article", "header", "footer", "main", "address", "body"}
    | {"center", "dl", "dt", "dd", "form", "fieldset", "figure", "figcaption", "nav", "aside"}
)
# How mail programs mark what is quoted: older mail inside the element, or all that follows it.
_QUOTE = re.compile(r"type\s*=\s*[\"']?cite|(?:gmail|protonmail|yahoo|moz)_?quote|yahoo_quoted", re.IGNORECASE)
_QUOTE_FOLLOWS = re.compile(r"\bid\s*=\s*[\"']?(?:\w+_)?(?:divRplyFwdMsg|OLK_SRC_BODY_SECTION)", re.IGNORECASE)
RULE = "_" * 32  # what Outlook writes above the mail it quotes


def to_text(markup: str) -> str:
    """What a reader sees of `markup` (its first 1 MB), quotes marked by `> `."""
    return _Writer().write(markup[:MAX_HTML])


class _Writer:
    def __init__(self) -> None:
        self._out: list[str] = []
        self._breaks = 0  # line feeds owed before the next text
        self._space = False
        self._quotes: list[tuple[str, int]] = []  # each open quote's tag, and how deep it nests

    def write(self, markup: str) -> str:
        position = 0
        while token := _TOKEN.search(markup, position):
            self._text(markup[position : token.start()])
            position = token.end()
            tag = (token["tag"] or "").lower()
            if tag in _UNREAD and not token["close"]:
                ending = re.compile(rf"</{tag}\b|\Z", re.IGNORECASE).search(markup, position)
                position = ending.start() if ending else len(markup)
            elif tag:
                self._element(tag, bool(token["close"]), token["attributes"])
        self._text(markup[position:])
        return "".join(self._out).strip("\n")

    def _text(self, raw: str) -> str | None:
        text = html.unescape(_LONG_NUMBER.sub("\ufffd", raw)).replace("\xa0", " ")
        ...
