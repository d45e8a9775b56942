"""The guards of the table: the conditions of its transactions that table.md's T1–T7 rest on.

Each stands with a history in which it would be missed: what was `before`, the act whose
transaction it is in, and what happens to the table `meanwhile`, between the act's last read and
that transaction. Verbs and numbers are those of `tests/story.py`; `day 8` lets eight days go by.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import UnionType

from shared.store.table import Check, Delete, Leg, Put, Update


@dataclass(frozen=True, slots=True)
class Guard:
    """Conditions of the `leg`s on an `item` in one kind of `transaction`, and their history.

    `conditions` are parts of what is left out; where there are several, each alone makes up for
    the others. `among` is in the expression of the leg that is meant.
    """

    transaction: str
    leg: type[Leg] | UnionType
    item: str
    conditions: tuple[str, ...]
    before: str
    act: str
    meanwhile: str
    among: str = ""

    def stands_in(self, legs: Sequence[Leg]) -> bool:
        """Whether these legs are such a transaction."""
        return kind_of(legs) == self.transaction and any(map(self._guards, legs))

    def without(self, legs: Sequence[Leg]) -> list[Leg]:
        """The legs of such a transaction, this guard taken away."""
        kept = [self._without(leg) if self._guards(leg) else leg for leg in legs]
        return [leg for leg in kept if leg]

    def _guards(self, leg: Leg) -> bool:
        return (
            isinstance(leg, self.leg)
            and self.item in f"{leg.key.pk}/{leg.key.sk}"
            and any(condition in leg.condition for condition in self.conditions)
            and self.among in (leg.expression if isinstance(leg, Update) else "")
        )

    def _without(self, leg: Leg) -> Leg | None:
        parts = leg.condition.split(" AND ")
        kept = [part for part in parts if not any(each in part for each in self.conditions)]
        if isinstance(leg, Check) and not kept:
            return None
        condition = " AND ".join(kept)
        used = _names(condition + " " + (leg.expression if isinstance(leg, Update) else ""))
        values = {name: value for name, value in leg.values.items() if name in used}
        if isinstance(leg, Update | Check):
            names = {name: value for name, value in leg.names.items() if name in used}
            return replace(leg, condition=condition, values=values, names=names)
        return replace(leg, condition=condition, values=values)


def _names(expression: str) -> set[str]:
    return set(re.findall(r"[:#]\w+", expression))


def kind_of(legs: Sequence[Leg]) -> str:  # noqa: PLR0911 one line a transaction
    """Which transaction of table.md's these legs are."""
    puts = {leg.key.sk for leg in legs if isinstance(leg, Put)}
    updates = [leg for leg in legs if isinstance(leg, Update)]
    changed = [leg.key.sk for leg in updates]
    for item, kind in (("MERGE", "merge"), ("SPLIT", "split")):
        if item in puts:
            return kind
    if changed.count("CONVERSATION") > 1 and "MERGE" not in changed:
        return "join"
    if "DELIVERY" in puts:
        return "record" if any(sk.startswith("ENTRY#") for sk in puts) else "copy"
    if "MERGE" in changed:
        return "undo"
    if "SPLIT" in changed:
        return "moved"
    if "CONVERSATION" in changed and "PROFILE" in changed:
        closes = any("REMOVE #open.#v" in leg.expression for leg in updates)
        return "resolve" if closes else "reopen"
    if "IDENTITY" in puts:
        return "bury" if _counts(legs) else "attach"
    if any("SET erasing" in leg.expression for leg in updates):
        return "erase"
    moves = any(isinstance(leg, Delete) and leg.key.sk.startswith("ENTRY#") for leg in legs)
    return "move" if moves and not _counts(legs) else "sweep"


def _counts(legs: Sequence[Leg]) -> bool:
    return any("erased_" in leg.expression for leg in legs if isinstance(leg, Update))


_NEW, _OPEN = "attribute_not_exists(PK)", "attribute_not_exists(resolved_at)"
_NOT_ERASING = "attribute_not_exists(erasing)"
_AS_SEEN = "revision = :revision"
_TWO = "message 0; day 1; message 1; "
_ONE = _TWO + "merge 0 1"  # two phones, two conversations, one person
_SHARED = (  # 1 goes on in 0's conversation
    "message 1; resolve 0; day 8; message 0; merge 0 1; message 1"
)
_OTHERS = (  # two open conversations, of 0 and 4; 1 goes on in the newer one
    _ONE + "; resolve 1; resolve 0; day 8; message 0; day 1; message 4; merge 0 4"
)

GUARDS: dict[str, Guard] = {
    # T1 and T2, recording
    "record: the delivery's marker is new": Guard(
        "record", Put, "DELIVERY#twilio", (_NEW,), "message 0", "message 0", "again 1"
    ),
    "record: the mail's marker is new": Guard(
        "record", Put, "DELIVERY#mail", (_NEW,), "message 4", "message 4", "twice 1"
    ),
    "record: a new address is new": Guard(
        "record", Put, "IDENTITY", (_NEW,), "", "message 0", "message 0"
    ),
    "record: a vouched address is new": Guard(
        "record", Put, "IDENTITY", (_NEW,), "message 7", "vouch 0 0", "message 0"
    ),
    "record: an erased address is the tombstone that was seen": Guard(
        "record",
        Put,
        "IDENTITY",
        ("erased_at = :erased",),
        "message 0; erase 0; day 40",
        "message 0",
        "message 0",
    ),
    "record: the address's home": Guard(
        "record", Update, "IDENTITY", ("home = :home",), _ONE, "message 1", "split 1"
    ),
    "record: the address has a home and is not erased": Guard(
        "record",
        Update,
        "IDENTITY",
        ("home = :home", "erased_at"),
        "message 4",
        "spoof 4 0",
        "erase 4",
    ),
    "record: the conversation's home": Guard(
        "record",
        Update,
        "CONVERSATION#",
        ("home = :home",),
        "message 0; resolve 0; day 8; message 1; merge 0 1",
        "message 0",
        "split 1",
    ),
    "record: the conversation is open": Guard(
        "record", Update, "CONVERSATION#", (_OPEN,), "message 0", "message 0", "resolve 0"
    ),
    "record: a resolved conversation is resolved as it was seen": Guard(
        "record",
        Update,
        "CONVERSATION#",
        ("resolved_at = :resolved",),
        _SHARED + "; resolve 0",
        "message 1",
        "message 0",
    ),
    "record: a resolved conversation was not joined": Guard(
        "record",
        Update,
        "CONVERSATION#",
        ("attribute_not_exists(joined)",),
        _ONE + "; resolve 0",
        "message 1",
        "reopen 0; join 0 1",
    ),
    "record: the root has the home": Guard(
        "record",
        Update,
        "PROFILE",
        ("contains(members, :home)",),
        _ONE + "; resolve 0; message 1; resolve 0",
        "message 1",
        "undo 0",
    ),
    "record: the root is one, or has the home": Guard(
        "record",
        Update,
        "PROFILE",
        ("#root = ", "contains(members, :home)"),
        "message 0; resolve 0; message 4; day 8",
        "message 0",
        "merge 4 0",
    ),
    "record: the root has both homes": Guard(
        "record", Check, "PROFILE", ("contains(members, :other",), _SHARED, "message 1", "undo 0"
    ),
    "record: nobody erases the root": Guard(
        "record", Update, "PROFILE", (_NOT_ERASING,), "message 0; resolve 0", "message 0", "flag 0"
    ),
    "record: a default conversation is the only one": Guard(
        "record",
        Update,
        "PROFILE",
        ("size(#open) = :none",),
        "message 0; resolve 0; day 8",
        "message 0",
        "message 0",
    ),
    "record: a guest's conversation is there": Guard(
        "record",
        Check,
        "CONVERSATION#",
        ("attribute_exists(PK)",),
        "message 4; message 5",
        "reply 5 4",
        "erase 4",
    ),
    # T3, joining; and an agent's resolving and reopening
    "join: the joined one's home, participants and root": Guard(
        "join",
        Update,
        "/",
        ("home = :home", "#parts = :parts", "#open.#seen"),
        _ONE,
        "join 0 1",
        "split 1",
        among="",
    ),
    "join: the joined one's participants": Guard(
        "join",
        Update,
        "CONVERSATION#",
        ("#parts = :parts",),
        _OTHERS,
        "join 0 1",
        "message 1",
        among="joined",
    ),
    "join: the other's participants": Guard(
        "join",
        Update,
        "CONVERSATION#",
        ("#parts = :parts",),
        _OTHERS,
        "join 0 0",
        "message 1",
        among="ADD",
    ),
    "join: the other is open and as seen, or the root lists it": Guard(
        "join", Update, "", (_OPEN, _AS_SEEN, "#open.#into"), _ONE, "join 0 0", "resolve 0"
    ),
    "join: the root is one, or lists both": Guard(
        "join",
        Update,
        "PROFILE",
        ("#root = ", "#open.#seen", "#open.#into"),
        _ONE + "; message 4",
        "join 0 1",
        "merge 4 0",
    ),
    "join: the root lists both": Guard(
        "join", Update, "PROFILE", ("#open.#seen", "#open.#into"), _ONE, "join 0 1", "undo 0"
    ),
    "resolve: the home": Guard(
        "resolve", Update, "CONVERSATION#", ("home = :home",), _ONE, "resolve 0", "split 1"
    ),
    "resolve: it is as it was seen": Guard(
        "resolve", Update, "CONVERSATION#", (_AS_SEEN,), _ONE, "resolve 0", "join 0 1"
    ),
    "resolve: the last activity that was seen": Guard(
        "resolve",
        Update,
        "CONVERSATION#",
        ("last_activity_at",),
        "message 0; day 1",
        "resolve 0",
        "message 0",
    ),
    "resolve: the root is one, or has the home": Guard(
        "resolve",
        Update,
        "PROFILE",
        ("#root = ", "contains(members"),
        _TWO,
        "resolve 1",
        "merge 1 0",
    ),
    "resolve: the root has the home": Guard(
        "resolve", Update, "PROFILE", ("contains(members",), _ONE, "resolve 0", "undo 0"
    ),
    "reopen: it is as it was seen": Guard(
        "reopen",
        Update,
        "CONVERSATION#",
        (_AS_SEEN,),
        _ONE + "; resolve 0",
        "reopen 0",
        "reopen 0; join 0 1",
    ),
    "reopen: the root is one, or has the home": Guard(
        "reopen",
        Update,
        "PROFILE",
        ("#root = ", "contains(members"),
        _TWO + "resolve 1",
        "reopen 1",
        "merge 1 0",
    ),
    "reopen: the root has the home": Guard(
        "reopen",
        Update,
        "PROFILE",
        ("contains(members",),
        _ONE + "; resolve 0",
        "reopen 0",
        "undo 0",
    ),
    "reopen: nobody erases the root": Guard(
        "reopen", Update, "PROFILE", (_NOT_ERASING,), "message 0; resolve 0", "reopen 0", "flag 0"
    ),
    # T4, merging
    "merge: the roots as seen": Guard(
        "merge", Update, "PROFILE", ("rev = :seen",), _TWO, "merge 0 1", "resolve 1"
    ),
    "merge: both are roots, and as seen": Guard(
        "merge", Update, "PROFILE", ("rev = :seen", "#root = :own"), _TWO, "merge 0 1", "merge 1 0"
    ),
    "merge: nobody erases either": Guard(
        "merge", Update, "PROFILE", ("rev = :seen", _NOT_ERASING), _TWO, "merge 0 1", "erase 1"
    ),
    "merge: who follows followed the other": Guard(
        "merge",
        Update,
        "PROFILE",
        ("#root = :old", "rev = :seen"),
        _ONE + "; message 2",
        "merge 2 0",
        "undo 0",
    ),
    # T5, undoing
    "undo: the root as seen": Guard(
        "undo", Update, "PROFILE", ("rev = :seen",), _ONE, "undo 0", "message 4; merge 0 4"
    ),
    "undo: who leaves followed the root": Guard(
        "undo",
        Update,
        "PROFILE",
        ("#root = :old", "rev = :seen", "#root = :own"),
        _ONE + "; message 4",
        "undo 0",
        "merge 4 0",
    ),
    "undo: the merge is active, or the root or the pair as seen": Guard(
        "undo",
        Put | Update,
        "",
        ("#state = :active", "rev = :seen", "#root = :old", _NEW),
        _ONE,
        "undo 0",
        "undo 0; merge 0 1",
    ),
    "undo: the participants seen": Guard(
        "undo",
        Check | Update,
        "CONVERSATION#",
        ("#parts = :parts",),
        "message 1; resolve 0; day 8; message 0; merge 0 1",
        "undo 0",
        "message 1",
    ),
    "undo: the conversations are open": Guard(
        "undo", Check | Update, "/", (_OPEN, "rev = :seen"), _ONE, "undo 0", "resolve 0"
    ),
    # T6, splitting
    "split: the address's home": Guard(
        "split",
        Update,
        "",
        ("home = :source", "size(#moving)", "contains(addresses", "rev = :", "#parts = "),
        _ONE,
        "split 1",
        "split 1",
    ),
    "split: the count of messages that was seen": Guard(
        "split",
        Update,
        "IDENTITY",
        ("n = :seen",),
        "message 1; resolve 0; day 8; message 0; merge 0 1",
        "split 1",
        "message 1",
    ),
    "split: the address is not erased": Guard(
        "split",
        Update,
        "",
        (
            "home = :source",
            "erased_at",
            "n = :seen",
            _NOT_ERASING,
            "rev = :",
            "contains(addresses",
            "#parts = ",
            _OPEN,
        ),
        _ONE,
        "split 1",
        "erase 0",
    ),
    "split: the root as seen": Guard(
        "split", Update, "PROFILE", ("rev = :seen",), _ONE, "split 1", "resolve 1"
    ),
    "split: the root as seen, and one": Guard(
        "split",
        Update,
        "PROFILE",
        ("rev = :seen", "#root = :own"),
        _ONE + "; message 4",
        "split 1",
        "merge 4 0",
    ),
    "split: the participants seen": Guard(
        "split",
        Update,
        "CONVERSATION#",
        ("#parts = :parts",),
        "message 1; resolve 0; day 8; message 0; merge 0 1",
        "split 0",
        "message 1",
    ),
    "split: the conversations are open": Guard(
        "split", Update, "", (_OPEN, "rev = :seen"), _ONE, "split 1", "resolve 0"
    ),
    "split: a resting conversation as seen, or the root": Guard(
        "split",
        Update,
        "",
        ("resolved_at = :resolved", "rev = :seen"),
        _ONE + "; resolve 0",
        "split 1",
        "reopen 0",
    ),
    # T7, erasing
    "erase: nothing is moving": Guard(
        "erase",
        Update,
        "PROFILE",
        ("size(#moving)", "size(arriving)", "rev = :seen"),
        "vouch 0 0; message 0",
        "erase 0",
        "begin 0",
    ),
    "erase: the members are the root's": Guard(
        "erase", Update, "PROFILE", ("#root = :root", "rev = :seen"), _ONE, "erase 0", "undo 0"
    ),
    "erase: the root as seen": Guard(
        "erase", Update, "PROFILE", ("rev = :seen",), _TWO, "erase 0", "merge 0 1"
    ),
    # what an agent puts down
    "attach: the address is new": Guard(
        "attach", Put, "IDENTITY", (_NEW,), "message 0", "attach 0 1", "message 1"
    ),
    "attach: nobody erases the root": Guard(
        "attach", Update, "PROFILE", (_NOT_ERASING,), "message 0", "attach 0 1", "erase 0"
    ),
}
