"""What is to be looked at again when its time has come."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.model.receipt import ReceiptKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A receipt's next look: a message to be tried again, or one whose fate is not known.

    `revision` is the receipt's that set it; whoever acts on it proves that it is still this one.
    `address_key` is that of the address the message goes to.
    """

    key: ReceiptKey
    at: datetime
    revision: int
    address_key: str = ""


class TaskKind(StrEnum):
    """What a task is for."""

    SPLIT = "split"
    ERASURE = "erasure"
    ASSIGNMENT = "assignment"  # to be taken back unless it was answered
    ANSWER = "answer"  # promised by now


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be done at its time, and goes on from where it was left until it is done.

    `id` names a split, the contact that is erased, a conversation with the revision in which it
    was assigned, or one that waits for an answer; `home` is where the task lies.
    """

    kind: TaskKind
    home: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """An answer that a conversation has waited for since `since`, promised until `until`."""

    conversation_id: str
    home: str
    since: datetime
    until: datetime
