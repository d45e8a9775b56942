"""Whether a message is a STOP, a START, or reads like a wish to be left alone.

A keyword is a whole message. In a text it takes effect at once, as the carrier makes it do
(https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out, read 2026-11-21), and so does a
short plain wish, which US law takes for one (47 CFR 64.1200(a)(10)). Anything longer, and all that
comes by mail or chat, is for an agent to decide.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.model.consent import ConsentState, Medium, Purpose
from shared.model.entry import Author, AuthorType, Channel, Entry
from shared.model.identity import Trust
from shared.model.message import InboundMessage
from shared.model.statement import ConsentRequest, Statement
from shared.rules.consent import MEDIA
from shared.rules.ordering import to_milliseconds


class Keyword(StrEnum):
    """What a whole message may be, in Twilio's words for it."""

    STOP = "STOP"
    START = "START"
    HELP = "HELP"


@dataclass(frozen=True, slots=True)
class Heard:
    """What a message says of consent: a keyword that takes effect, or media it may be about."""

    keyword: Keyword | None = None
    media: tuple[Medium, ...] = ()


# fmt: off
_STOPS = frozenset(
    {
        # Twilio's own; then French, Spanish and Portuguese, German and Dutch, Italian, and more;
        # without accents and spaces, and nothing that may be the answer to a question.
        "stop", "stopall", "unsubscribe", "end", "quit", "revoke", "optout", "cancel",
        "arret", "arreter", "arretez", "stopper", "desabonner", "desabonnement", "desinscription",
        "alto", "parar", "pare", "basta", "baja", "darmedebaja", "descadastrar",
        "stopp", "abmelden", "abbestellen", "stoppen", "afmelden", "uitschrijven",
        "ferma", "fermare", "disiscrivi", "disiscrivimi",
        "стоп", "отписаться", "停止", "退订",
    }
)
# fmt: on
_STARTS = frozenset({"start", "yes", "unstop"})
_HELPS = frozenset({"help", "info"})

_READ = 2_000  # characters of a text; a wish stands in the beginning
_SHORT = 8  # words
_WORDS = 500  # characters of what somebody wrote, kept as proof
_OBEYED = (Channel.SMS, Channel.WHATSAPP)

_NOT = r"(?:stop|quit|cease|do ?n[o']?t|never|no longer)"
_ME = r"(?:me|us|this (?:number|address|phone)|my (?:number|phone|address|mail|e-?mail))"
_THINGS = (
    r"(?:texts?|(?:phone )?calls?|text messages?|sms|e-?mails?|messages?|whatsapps?|notifications?)"
)
# Short alternatives without nested repetition: time is linear in the text.
_WISHES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b{_NOT} (?:sending |writing |ever )?(?P<verb>\w+(?:-\w+)?) (?:to )?{_ME}\b",
        rf"\b(?:stop|quit|no more|end)(?: sending)?(?: me| us)?(?: these| those| the| all| your)?"
        rf" (?P<thing>{_THINGS})\b",
        r"\bunsubscribe (?:me|us|my|this)\b|\bplease unsubscribe\b|^unsubscribe$",
        r"\bopt (?:me |us )?out\b|\bopting out\b",
        r"\b(?:take|remove) (?:me|us|my \w+|this number) (?:off|from|out)\b",
        r"\b(?:revoke|withdraw) (?:my )?(?:consent|permission)\b",
        r"\bleave (?:me|us) alone\b",
        r"\barretez? de m'|\bne m'(?:envoyez|ecrivez|appelez|contactez) plus\b",
        r"\bdesabonnez[- ]moi\b|\bno me (?:envien?|escriban?|llamen?|manden?) mas\b",
        r"\bdejen? de (?:enviar|mandar|escribir)\b",
        r"\b(?:denme|darme|dame) de baja\b|\bnao me (?:envi|mand|ligu)\w+ mais\b",
        r"\bkeine (?:sms|mails?|e-?mails|nachrichten|anrufe) mehr\b|\bmelden sie mich ab\b",
        r"\bnon (?:scrivetemi|mandatemi|chiamatemi) piu\b|\bgeen (?:sms|mails?|berichten) meer\b",
    )
)
_VERBS: Mapping[str, tuple[Medium, ...]] = {
    "text": (Medium.TEXT,),
    "texting": (Medium.TEXT,),
    "messaging": (Medium.TEXT, Medium.WHATSAPP),
    "message": (Medium.TEXT, Medium.WHATSAPP),
    "emailing": (Medium.EMAIL,),
    "e-mailing": (Medium.EMAIL,),
    "mailing": (Medium.EMAIL,),
    "email": (Medium.EMAIL,),
    "e-mail": (Medium.EMAIL,),
    "mail": (Medium.EMAIL,),
    "calling": (Medium.VOICE,),
    "call": (Medium.VOICE,),
    "phoning": (Medium.VOICE,),
    "ringing": (Medium.VOICE,),
    "contacting": (),
    "contact": (),
    "writing": (),
    "write": (),
    "bothering": (),
    "bother": (),
    "harassing": (),
    "spamming": (),
    "spam": (),
}
# Words beside a wish that say what it is about.
_NAMED: tuple[tuple[re.Pattern[str], Medium], ...] = (
    (re.compile(r"\b(?:texts?|texting|sms|text messages?|textos?)\b"), Medium.TEXT),
    (re.compile(r"\bwhats ?apps?\b"), Medium.WHATSAPP),
    (re.compile(r"\b(?:e-?mails?|emailing|mails|newsletters?)\b"), Medium.EMAIL),
    (re.compile(r"\b(?:calls?|calling|phone calls?|anrufe)\b"), Medium.VOICE),
)


def hear(message: InboundMessage) -> Heard:
    """What a message says of consent. `provider_keyword` is the carrier's own reading of it."""
    medium = MEDIA.get(message.channel)
    if medium is None or message.automatic:
        return Heard()
    if message.channel in _OBEYED and (keyword := _keyword(message)):
        # Anybody may write under a name that is no number; believing a STOP harms nobody.
        proven = message.trust is Trust.VERIFIED
        return Heard(keyword) if proven or keyword is Keyword.STOP else Heard()
    text = _plain(f"{message.subject}\n{message.text}"[:_READ])
    if _word(message.text) in _STOPS or _word(message.subject) == "unsubscribe":
        return Heard(media=(medium,))
    media = wishes(text, medium)
    if media and message.channel in _OBEYED and medium in media and len(text.split()) <= _SHORT:
        return Heard(Keyword.STOP)
    return Heard(media=media)


def _keyword(message: InboundMessage) -> Keyword | None:
    if message.provider_keyword in list(Keyword):
        return Keyword(message.provider_keyword)
    word = _word(message.text)
    for keyword, words in (
        (Keyword.STOP, _STOPS),
        (Keyword.START, _STARTS),
        (Keyword.HELP, _HELPS),
    ):
        if word in words:
            return keyword
    return None


def statement(
    heard: Heard, message: InboundMessage, entry: Entry, statement_id: str
) -> Statement | None:
    """What the keyword of a message says, which `entry` keeps; asking for help says nothing."""
    if heard.keyword not in (Keyword.STOP, Keyword.START):
        return None
    stops = heard.keyword is Keyword.STOP
    return Statement(
        id=statement_id,
        at=entry.received_at,
        medium=MEDIA[message.channel],
        purpose=Purpose.EVERY,
        state=ConsentState.DENIED if stops else ConsentState.GRANTED,
        own=True,
        source=str(heard.keyword),
        by=entry.author,
        words=message.text[:_WORDS],
        message_id=entry.id,
        senders=message.senders if message.channel is Channel.SMS else frozenset(),
    )


def heard_by_provider(
    channel: Channel, source: str, *, statement_id: str, at: datetime, sender: str = ""
) -> Statement:
    """That a provider knows they want nothing from us: a STOP we have not heard, a complaint."""
    return Statement(
        id=statement_id,
        at=to_milliseconds(at),
        medium=MEDIA[channel],
        purpose=Purpose.EVERY,
        state=ConsentState.DENIED,
        own=True,
        source=source,
        by=Author(AuthorType.CUSTOMER),
        senders=frozenset({sender} - {""}) if channel is Channel.SMS else frozenset(),
    )


def request(heard: Heard, message: InboundMessage, entry: Entry) -> ConsentRequest | None:
    """What an agent is to decide about a message, which `entry` keeps."""
    if not heard.media:
        return None
    return ConsentRequest(
        entry_id=entry.id,
        at=entry.received_at,
        media=heard.media,
        words=message.text[:_WORDS] or message.subject[:_WORDS],
    )


def wishes(text: str, own: Medium) -> tuple[Medium, ...]:
    """The media that a text, in plain form, may ask not to be used; `own` where it names none."""
    media: set[Medium] = set()
    for sentence in re.split(r"[.!?\n;]+", text):
        for wish in _WISHES:
            for match in wish.finditer(sentence):
                verb = match.groupdict().get("verb")
                if verb is not None and verb not in _VERBS:
                    continue
                named = {medium for pattern, medium in _NAMED if pattern.search(sentence)}
                media |= named or set(_VERBS.get(verb or "", ())) or {own}
    return tuple(medium for medium in Medium if medium in media)


def _word(text: str) -> str:
    """The text as one word of letters, if it is short enough to be one: `Stop.` is `stop`."""
    return "".join(filter(str.isalnum, _plain(text))) if len(text) <= 64 else ""


def _plain(text: str) -> str:
    """Lower case, without accents, with plain apostrophes."""
    parts = unicodedata.normalize(
        "NFKD", text.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    )
    return "".join(part for part in parts if not unicodedata.combining(part))
