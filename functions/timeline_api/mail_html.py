"""A mail's HTML, made harmless: no scripts, no forms, nothing fetched from elsewhere."""

from copy import deepcopy

# Time to sanitise grows with depth and attributes; real mail is far shorter.
_LONGEST = 1_000_000
_HEAD = (
    '<!doctype html><meta charset="utf-8">'
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
)
_STYLES = frozenset(
    {"background-color", "color", "font-family", "font-size", "font-style", "font-weight"}
    | {"border", "border-bottom", "border-collapse", "border-left", "border-right", "border-top"}
    | {"line-height", "margin", "padding", "text-align", "text-decoration", "vertical-align"}
    | {"white-space", "width"}
)


def sanitise(html: str) -> str:
    """A whole page that shows `html` (its first million characters) and loads nothing.

    Images stay only where the mail itself holds them (`data:`): a remote one would tell its
    sender who read the mail, when and where.
    """
    import nh3

    attributes = deepcopy(nh3.ALLOWED_ATTRIBUTES)
    attributes["*"] = {"style", "dir", "lang", "title"}
    cleaned = nh3.clean(
        html[:_LONGEST],
        attributes=attributes,
        attribute_filter=_filter,
        filter_style_properties=set(_STYLES),
        url_schemes={"http", "https", "mailto", "tel", "data"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )
    return _HEAD + cleaned


def _filter(tag: str, attribute: str, value: str) -> str | None:
    is_embedded = value.strip().lower().startswith("data:")
    if attribute == "src":
        return value if is_embedded and value.strip().lower().startswith("data:image/") else None
    return None if is_embedded else value
