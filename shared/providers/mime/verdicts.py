"""What SES found about a mail, and how far that proves its sender.

SES puts its own headers on top of the mail it stores, each once, and X-SES-RECEIPT after all that
is read here (https://docs.aws.amazon.com/ses/latest/dg/receiving-email-concepts.html, and captured
mail). Whatever looks like them further down was written by the sender.
"""

import re
from dataclasses import dataclass

from shared.model.identity import Trust
from shared.providers.mime.defects import DOUBTFUL_SENDER, Defect
from shared.providers.mime.sender import Sender
from shared.providers.mime.structure import Headers, text

_LAST = "x-ses-receipt"
_OWN = frozenset(
    {
        "return-path",
        "received",
        "x-ses-spam-verdict",
        "x-ses-virus-verdict",
        "received-spf",
        "authentication-results",
        _LAST,
    }
)
_RECIPIENT = re.compile(r"\bfor <?([^\s<>;]{1,320})>?;")
_OURS = re.compile(r"amazonses\.com\s*;", re.IGNORECASE)
_DMARC = re.compile(r";\s*dmarc=(\w+)(?:\s+header\.from=([^\s;]+))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """SES's findings: `PASS FAIL GRAY PROCESSING_FAILED DISABLED`, or nothing where it is silent.

    `return_path` is the envelope's sender, `recipient` its recipient (one of them), `dmarc` the
    result in lower case and `dmarc_domain` the From domain that SES judged, where it names it.
    """

    return_path: str = ""
    recipient: str = ""
    spam: str = ""
    virus: str = ""
    dmarc: str = ""
    dmarc_domain: str = ""


def read_verdicts(headers: Headers) -> Verdicts:
    """What SES wrote on top of this mail."""
    block = _own_block(headers)
    dmarc, dmarc_domain = _dmarc(block.get("authentication-results", ""))
    recipients = _RECIPIENT.findall(block.get("received", ""))
    return Verdicts(
        return_path=block.get("return-path", ""),
        recipient=recipients[-1] if recipients else "",
        spam=block.get("x-ses-spam-verdict", "").upper(),
        virus=block.get("x-ses-virus-verdict", "").upper(),
        dmarc=dmarc,
        dmarc_domain=dmarc_domain,
    )


def _dmarc(results: str) -> tuple[str, str]:
    """DMARC's result and domain, if SES wrote just one and nothing there can imitate it.

    The line also holds the envelope's sender as the other side gave it; only in quotes may that
    contain a semicolon, and so something that looks like a result.
    """
    if not _OURS.match(results) or '"' in results:
        return "", ""
    found = _DMARC.findall(results)
    return (found[0][0].lower(), found[0][1].lower()) if len(found) == 1 else ("", "")


def _own_block(headers: Headers) -> dict[str, str]:
    """The headers from the top to SES's last, or to the first that SES did not write.

    Where SES's last stands, but not in this block, something came between: nothing is believed.
    """
    block: dict[str, str] = {}
    for name, value in headers.fields:
        if name not in _OWN or name in block:
            break
        block[name] = text(value)
        if name == _LAST:
            return block
    return {} if any(name == _LAST for name, _ in headers.fields) else block


def judge(sender: Sender, verdicts: Verdicts, defects: set[Defect]) -> tuple[Trust, str]:
    """How far a mail proves its sender, and by what.

    Verified only if SES found DMARC to pass for the very domain we read in From, found no virus,
    and nothing about the From could be read in two ways. SPF or DKIM alone may have passed for
    another domain: they prove nothing.
    """
    if defects & DOUBTFUL_SENDER:
        return Trust.CLAIMED, "sender=doubtful"
    if verdicts.virus != "PASS":
        return Trust.CLAIMED, f"virus={verdicts.virus.lower() or 'missing'}"
    if verdicts.dmarc != "pass":
        return Trust.CLAIMED, f"dmarc={verdicts.dmarc or 'missing'}"
    if verdicts.dmarc_domain not in ("", sender.domain):
        return Trust.CLAIMED, "dmarc=other-domain"
    return Trust.VERIFIED, "dmarc=pass"
