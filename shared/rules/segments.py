"""How many SMS segments a text takes, which is what carriers bill (3GPP TS 23.038, GSM 7-bit)."""

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")  # an escape and a character: two septets

_GSM_ALONE, _GSM_JOINED = 160, 153  # septets in a segment; six bytes tell which part it is
_UCS2_ALONE, _UCS2_JOINED = 70, 67  # UTF-16 units


def segments(text: str) -> int:
    """The segments that `text` is billed as; one for an empty text.

    The carrier may need fewer where it rewrites characters such as curly quotes.
    """
    if all(char in _BASIC or char in _EXTENDED for char in text):
        sizes = [2 if char in _EXTENDED else 1 for char in text]
        return _parts(sizes, _GSM_ALONE, _GSM_JOINED)
    return _parts([2 if ord(char) > 0xFFFF else 1 for char in text], _UCS2_ALONE, _UCS2_JOINED)


def _parts(sizes: list[int], alone: int, joined: int) -> int:
    """Segments filled in order; a character of two units is never torn apart."""
    if sum(sizes) <= alone:
        return 1
    count, room = 0, 0
    for size in sizes:
        if size > room:
            count, room = count + 1, joined
        room -= size
    return count
