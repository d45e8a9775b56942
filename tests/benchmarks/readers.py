"""Reading mail: ours beside the standard library's parser, on plain and on hostile mail."""

import email.policy
import resource
import signal
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from functools import partial
from multiprocessing import get_context

from tests.benchmarks.figures import Figure, middle
from tests.benchmarks.measuring import cpu, peak_kb, turns
from tests.mails import parse, verdicts
from tests.unit.test_mime_hostile import ROWS, SLOW

_KB, _MB = 1000, 1_000_000
SIZES = {"10 KB": 10 * _KB, "1 MB": _MB, "25 MB": 25 * _MB}
_ROUNDS = {"10 KB": 60, "1 MB": 10, "25 MB": 2}
_PATIENCE = 1  # s of CPU that the standard library is given for one hostile mail


def measure() -> Iterator[Figure]:
    """Time and peak memory by size; then what made either of them give up."""
    for name, size in SIZES.items():
        raw = of_size(size)
        ours, theirs = turns([partial(parse, raw), partial(standard, raw)], _ROUNDS[name])
        yield Figure(name=f"mail of {name}, CPU", value=middle(ours), unit="ms")
        ratio = middle([one / two for one, two in zip(ours, theirs, strict=True)])
        yield Figure(name=f"mail of {name}, CPU over the standard library's", value=ratio, unit="x")
        held = [peak_kb(partial(parse, raw)), peak_kb(partial(standard, raw))]
        yield Figure(name=f"mail of {name}, peak memory", value=held[0] / 1000, unit="MB")
        yield Figure(
            name=f"mail of {name}, peak memory over the standard library's",
            value=held[0] / held[1],
            unit="x",
        )
    yield from _hostile()


def _hostile() -> Iterator[Figure]:
    hostile = {**ROWS, **{name: raw for name, (raw, _) in SLOW.items()}}
    ours = [cpu(partial(parse, raw)) for raw in hostile.values()]
    peaks = [peak_kb(partial(parse, raw)) * 1000 / max(len(raw), _MB) for raw in hostile.values()]
    given_up = sum(not _survives(standard, raw) for raw in hostile.values())
    many = f"{len(hostile)} hostile mails"
    yield Figure(name=f"{many}, the slowest's CPU", value=max(ours) / 1000, unit="s", target=5)
    yield Figure(
        name=f"{many}, most memory of one over 1 MB, over its size", value=max(peaks), unit="x"
    )
    unread = sum("unreadable" in parse(raw).message.defects for raw in hostile.values())
    yield Figure(name=f"{many}, not read", value=unread, unit="", target=0)
    yield Figure(
        name=f"{many}, the standard library raised, or took over {_PATIENCE} s",
        value=given_up,
        unit="",
    )


def of_size(size: int) -> bytes:
    """An answer with its HTML twin and, beyond a few KB, a file that makes up the size."""
    text = "We would like to know where our order is.\r\n" * 40
    mail = EmailMessage()
    mail["From"], mail["To"] = "Ana <ana@example.org>", "support@in.example.com"
    mail["Subject"], mail["Message-ID"] = "Re: Where is my order?", "<m1@example.org>"
    mail["References"] = "<a@example.org> <b@example.org>"
    mail.set_content(text)
    mail.add_alternative(f"<p>{text}</p>", subtype="html")
    room = size - len(mail.as_bytes(policy=email.policy.SMTP))
    mail.add_attachment(bytes(room * 3 // 4), maintype="application", subtype="pdf", filename="a")
    return verdicts() + mail.as_bytes(policy=email.policy.SMTP)


def standard(raw: bytes) -> list[object]:
    """What a reader on the standard library would do: addresses, texts and files decoded."""
    mail = BytesParser(policy=email.policy.default).parsebytes(raw)
    seen: list[object] = [str(mail[name]) for name in ("from", "to", "subject", "date")]
    for part in mail.walk():
        if not part.is_multipart():
            seen.append((part.get_filename(), part.get_payload(decode=True)))
            if part.get_content_maintype() == "text":
                seen.append(part.get_content())
    return seen


def _survives(read: Callable[[bytes], object], raw: bytes) -> bool:
    process = get_context("fork").Process(target=_limited, args=(read, raw))
    process.start()
    process.join()
    return process.exitcode == 0


def _limited(read: Callable[[bytes], object], raw: bytes) -> None:
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + _PATIENCE
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    try:
        read(raw)
    except Exception:
        raise SystemExit(1) from None
