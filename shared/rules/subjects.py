"""Whether two mails are about the same subject."""

import hashlib
import re
import unicodedata

_HASH_LENGTH = 12

# What mail programs put before the subject of an answer or a forwarded mail, by language; some
# count the answers: `Re[2]:`.
_PREFIX = re.compile(
    r"(?:re|fwd?|aw|wg|sv|vs|vb|vl|rv|res|enc|tr|rif|rép|odp|pd|ynt|ilt|antw|doorst|bls|tb|atb"
    r"|ответ|отв|vá|továbbítás|απ|πρθ|回复|回覆|答复|转发|轉寄|返信|転送|답장|전달)"
    r"\s?(?:\[\d{1,3}\]|\(\d{1,3}\))?\s?:\s*"
)
# What help desks and mail gateways add anywhere: `[#7Q4K-2M]`, `[Ticket 1234]`, `[EXTERNAL]`. Not
# any bracket: `[Order 1001]` and `[Order 1002]` are two subjects.
_MARK = re.compile(
    r"\[\s?(?:(?:ticket|case|request|anfrage|vorgang)[\s#:]{1,3}|#)[\w-]{1,20}\s?\]"
    r"|\(?#[0-9a-z]{4}-[0-9a-z]{2}\b\)?"
    r"|\[(?:external|extern|ext|spam)\]|\*{3,5}spam\*{3,5}"
)


def subject_hash(subject: str) -> str:
    """A short hash (hex) of what a subject is about; "" where there is nothing to tell by.

    Equal for a mail and its answers, in whatever language mail programs mark them.
    """
    folded = unicodedata.normalize("NFKC", subject).casefold()
    about = " ".join(_MARK.sub(" ", folded).split())
    while prefix := _PREFIX.match(about):
        about = about[prefix.end() :]
    if not about:
        return ""
    return hashlib.sha256(about.encode(errors="replace")).hexdigest()[:_HASH_LENGTH]
