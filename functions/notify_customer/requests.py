"""What comes in notify_customer's queue: a rule's request, a notice that is due, a failure.

The rules' input transformers in template.yaml make the requests. The JSON Schema of those, in
infrastructure/, is made from the model here.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.model.entry import AuthorType, Kind
from shared.model.errors import MalformedMessageError
from shared.model.identity import Trust
from shared.model.notification import Cause, NoticeKey, NoticeKind, Request
from shared.model.receipt import ReceiptKey

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9-]+$")]
Id = Annotated[str, Field(min_length=1)]
Seconds = Annotated[int, Field(ge=0, le=7 * 24 * 3600)]
Rung = Literal["origin", "sms", "whatsapp", "email", "chat"]
Purpose = Literal["conversation", "transactional", "marketing", "survey"]


class _Metadata(BaseModel):
    model_config = ConfigDict(strict=True)

    id: Id
    type: str
    time: Annotated[AwareDatetime, Field(strict=False)]
    correlation: str
    depth: int


class _Detail(BaseModel):
    """What all events of something that happened to a contact tell, and some of an entry."""

    metadata: _Metadata
    home_contact_id: Id
    conversation_id: str = ""
    entry_id: str = ""
    occurred_at: AwareDatetime | None = None
    automatic: bool = False
    trust: Trust | None = None
    author_type: AuthorType | None = None
    kind: Kind | None = None


class _Event(BaseModel):
    detail: _Detail


class NotificationRequest(BaseModel):
    """A rule's constants, and the whole event that matched it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    rule: Name
    template: Name
    purpose: Purpose
    ladder: Annotated[list[Rung], Field(min_length=1, json_schema_extra={"uniqueItems": True})]
    wait_seconds: Seconds
    debounce_seconds: Seconds
    urgent: bool
    event: _Event


class _Woken(BaseModel):
    """What the sweep says, or this function itself said a while ago."""

    due: NoticeKind
    home: Id
    id: Id


class _Failed(BaseModel):
    """A ReceiptChanged event."""

    class Detail(BaseModel):
        home_contact_id: Id
        entry_id: Id
        occurred_at: AwareDatetime

    detail: Detail


_ANY: TypeAdapter[NotificationRequest | _Woken | _Failed] = TypeAdapter(
    NotificationRequest | _Woken | _Failed
)


def read(body: str) -> Request | NoticeKey | ReceiptKey:
    """What a message of the queue asks for. Raises MalformedMessageError for anything else."""
    try:
        match _ANY.validate_json(body):
            case NotificationRequest() as asked:
                return _request(asked)
            case _Woken() as woken:
                return NoticeKey(woken.due, woken.home, woken.id)
            case _Failed(detail=failed):
                at: datetime = failed.occurred_at
                return ReceiptKey(home=failed.home_contact_id, at=at, entry_id=failed.entry_id)
    except ValidationError as error:
        where = {".".join(map(str, each["loc"])) for each in error.errors(include_input=False)}
        raise MalformedMessageError(f"not understood: {', '.join(sorted(where))}") from error


def _request(asked: NotificationRequest) -> Request:
    if len(set(asked.ladder)) != len(asked.ladder):
        raise MalformedMessageError("the ladder names a rung twice")
    detail = asked.event.detail
    return Request(
        rule=asked.rule,
        template=asked.template,
        purpose=asked.purpose,
        ladder=tuple(asked.ladder),
        wait_seconds=asked.wait_seconds,
        debounce_seconds=asked.debounce_seconds,
        urgent=asked.urgent,
        cause=Cause(
            id=detail.metadata.id,
            type=detail.metadata.type,
            time=detail.metadata.time,
            correlation=detail.metadata.correlation,
            depth=detail.metadata.depth,
            home=detail.home_contact_id,
            conversation_id=detail.conversation_id,
            entry_id=detail.entry_id,
            occurred_at=detail.occurred_at,
            automatic=detail.automatic,
            trust=detail.trust,
            author=detail.author_type,
            kind=detail.kind,
        ),
    )
