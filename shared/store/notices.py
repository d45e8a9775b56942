"""Notices: notifications that wait. Each lies with the contact it is about, as a due item."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from shared.model.entry import AuthorType, Kind
from shared.model.errors import ConflictError
from shared.model.identity import Trust
from shared.model.notification import (
    Cause,
    Notice,
    NoticeKey,
    NoticeKind,
    Release,
    Request,
)
from shared.model.receipt import ReceiptKey
from shared.model.recording import Marker
from shared.store import items, keys
from shared.store.attributes import Item
from shared.store.keys import Key
from shared.store.limits import ChangedError, sent_leg
from shared.store.table import (
    Check,
    Delete,
    Leg,
    Put,
    Table,
    TransactionRefusedError,
    Update,
)

# No event is older than a day when it is looked at; what tells a repeated one must last longer.
_REMEMBERED = timedelta(days=7)


class BeforeRestoreError(Exception):
    """The table was restored since it happened: what was told meanwhile, nobody here knows."""


def notice_key(notice: Notice | NoticeKey) -> Key:
    """Where a notice lies."""
    return keys.due(notice.home, notice.kind, notice.id)


def get(table: Table, key: NoticeKey) -> Notice | None:
    """A notice as it is now, or None when there is none left."""
    item = table.get(notice_key(key))
    return _read(item) if item else None


def admit(table: Table, notice: Notice, now: datetime) -> bool:
    """Let a notice wait, once for its rule, event and contact; False when that was so before.

    One about the same matter that waits already goes on waiting, and tells of the later event.
    Raises ChangedError, ConflictError (the contact is being erased), BeforeRestoreError.
    """
    once = _once(notice)
    at, home_at = notice_key(notice), keys.profile(notice.home)
    found = table.get_many((once.key, at, keys.restored()))
    if once.key in found:
        return False
    restored = found.get(keys.restored())
    if restored and keys.timestamp(notice.request.cause.time) <= restored["at"]:
        raise BeforeRestoreError
    waiting = _read(found[at]) if at in found else None
    try:
        table.write(
            replace(once, item=once.item | {"expires_at": int((now + _REMEMBERED).timestamp())}),
            _joined(waiting, notice) if waiting else Put(at, _item(notice)),
            Check(home_at, "attribute_exists(PK) AND attribute_not_exists(erasing)"),
        )
    except TransactionRefusedError as error:
        if once.key in error.failed:
            return False
        if home_at in error.failed:
            raise ConflictError("this contact is being erased") from error
        raise ChangedError from error
    return True


def _once(notice: Notice) -> Put:
    cause = notice.request.cause
    marker = once_marker(notice, "admitted")
    item = {"type": "once", "schema": items.SCHEMA, "home": cause.home}
    return Put(keys.delivery(marker.provider, marker.id), item)


def once_marker(notice: Notice, step: str) -> Marker:
    """What makes a step of a notification happen once for its rule, event and contact."""
    cause = notice.request.cause
    return Marker(provider=f"once#{notice.request.rule}", id=f"{cause.id}#{cause.home}#{step}")


def _joined(waiting: Notice, new: Notice) -> Leg:
    later = max(waiting.request, new.request, key=lambda request: request.cause.time)
    joined = replace(waiting, request=later)
    return Put(notice_key(joined), _item(joined), "stamp = :stamp", _stamp(waiting))


def move(table: Table, notice: Notice, due: datetime) -> None:
    """Look at it again at `due`. Raises ChangedError."""
    moved = replace(notice, due=due)
    _write(
        table,
        Put(notice_key(notice), _item(moved), "stamp = :stamp", _stamp(notice)),
    )


def clear(table: Table, notice: Notice) -> None:
    """Remove a notice that has nothing left to do. Raises ChangedError."""
    _write(table, done_leg(notice))


def _write(table: Table, *legs: Leg) -> None:
    try:
        table.write(*legs)
    except TransactionRefusedError as error:
        raise ChangedError from error


# ---- with the message


def release_legs(release: Release, message: ReceiptKey, now: datetime) -> Iterable[Leg]:
    """What a message's transaction writes beside it when it is a notification."""
    notice, following = release.notice, release.next
    if following and notice_key(following) == notice_key(notice):
        waiting = replace(following, after=message)
        yield Put(notice_key(notice), _item(waiting), "stamp = :stamp", _stamp(notice))
    else:
        yield done_leg(notice)
        if following:  # in the place of what an older notification waits for
            yield Put(notice_key(following), _item(replace(following, after=message)), "")
    for sent in release.sent:
        yield sent_leg(sent, now)
    if release.passed_over:
        key, revision = release.passed_over
        yield Update(
            keys.receipt(key),
            "SET passed_over = :yes, revision = revision + :one REMOVE #change",
            "revision = :seen",
            {":yes": True, ":one": 1, ":seen": revision},
            {"#change": "change"},
        )


def release_keys(release: Release) -> set[Key]:
    """The items whose conditions a release adds to a message's transaction."""
    at = {notice_key(release.notice)}
    at |= {keys.sent_times(sent.contact_id, sent.scope) for sent in release.sent}
    return at | ({keys.receipt(release.passed_over[0])} if release.passed_over else set())


# ---- the item


def _stamp(notice: Notice) -> dict[str, str]:
    return {":stamp": notice.stamp}


def done_leg(notice: Notice) -> Delete:
    """Remove a notice, if it is unchanged."""
    return Delete(notice_key(notice), "stamp = :stamp", _stamp(notice))


def _item(notice: Notice) -> Item:
    request, cause = notice.request, notice.request.cause
    index = keys.due_index(notice.due, notice.id)
    return {
        "type": "due",
        "schema": items.SCHEMA,
        "GSI1PK": index.pk,
        "GSI1SK": index.sk,
        "kind": str(notice.kind),
        "home": notice.home,
        "due": keys.timestamp(notice.due),
        "stamp": notice.stamp,
        "rung": notice.rung,
        "after": {
            "home": notice.after.home,
            "at": keys.timestamp(notice.after.at),
            "entry": notice.after.entry_id,
        }
        if notice.after
        else None,
        "rule": {
            "name": request.rule,
            "template": request.template,
            "purpose": request.purpose,
            "ladder": list(request.ladder),
            "wait_seconds": request.wait_seconds,
            "debounce_seconds": request.debounce_seconds,
            "urgent": request.urgent,
        },
        "cause": {
            "id": cause.id,
            "type": cause.type,
            "time": keys.timestamp(cause.time),
            "correlation": cause.correlation,
            "depth": cause.depth,
            "conversation": cause.conversation_id,
            "entry": cause.entry_id,
            "occurred_at": items.stored_time(cause.occurred_at) or "",
            "trust": cause.trust or "",
            "author": cause.author or "",
            "kind": cause.kind or "",
        },
    }


def _read(item: Item) -> Notice:
    rule, cause, after = item["rule"], item["cause"], item.get("after")
    return Notice(
        kind=NoticeKind(item["kind"]),
        due=keys.read_timestamp(item["due"]),
        rung=item["rung"],
        after=ReceiptKey(
            home=after["home"], at=keys.read_timestamp(after["at"]), entry_id=after["entry"]
        )
        if after
        else None,
        request=Request(
            rule=rule["name"],
            template=rule["template"],
            purpose=rule["purpose"],
            ladder=tuple(rule["ladder"]),
            wait_seconds=rule["wait_seconds"],
            debounce_seconds=rule["debounce_seconds"],
            urgent=rule["urgent"],
            cause=Cause(
                id=cause["id"],
                type=cause["type"],
                time=keys.read_timestamp(cause["time"]),
                correlation=cause["correlation"],
                depth=cause["depth"],
                home=item["home"],
                conversation_id=cause["conversation"],
                entry_id=cause["entry"],
                occurred_at=items.optional_time(cause["occurred_at"]),
                trust=Trust(cause["trust"]) if cause["trust"] else None,
                author=AuthorType(cause["author"]) if cause["author"] else None,
                kind=Kind(cause["kind"]) if cause["kind"] else None,
            ),
        ),
    )
