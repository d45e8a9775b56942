"""A text message's webhook against the same two calls made with bare botocore."""

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from functions.inbound_chat import handler as inbound_chat
from functions.inbound_sms import handler as inbound_sms
from shared.runtime import clients
from tests.benchmarks.deployment import Deployment, calls_of
from tests.benchmarks.figures import Figure, middle
from tests.benchmarks.measuring import Work, cpu, peak_kb, side_by_side
from tests.webhooks import chat_event, chat_message, form_body, twilio_event

ROUNDS = 400
_numbers = count(1)

Call = tuple[str, dict[str, Any]]


def text(number: int, phone: str = "+14155550123") -> Any:
    """One more webhook of Twilio's, signed."""
    return twilio_event(form_body("sms", MessageSid=f"SM{number:032d}", From=phone))


def measure(hub: Deployment, *, rounds: int = ROUNDS) -> Iterator[Figure]:
    """A known customer's message, then a first contact."""
    yield from _sms(hub, rounds)
    yield from _chat(hub, rounds)
    yield from _first_contact(rounds // 4)


def _sms(hub: Deployment, rounds: int) -> Iterator[Figure]:
    def receive(number: int) -> Work:
        event = text(number)
        return lambda: _post(inbound_sms, event)

    yield from _against_bare(hub, "SMS webhook", receive, rounds)


def _chat(hub: Deployment, rounds: int) -> Iterator[Figure]:
    def receive(number: int) -> Work:
        visitor = {"email": "", "phone": "", "verified": True}
        event = chat_event(chat_message(visitor), delivery=f"msg_{number}")
        return lambda: _post(inbound_chat, event)

    yield from _against_bare(hub, "chat webhook", receive, rounds)


def _against_bare(hub: Deployment, name: str, receive: Any, rounds: int) -> Iterator[Figure]:
    for _ in range(3):  # the contact is known from here on, its conversation open
        cpu(receive(next(_numbers)))
    asked = _recorded(receive(next(_numbers)))
    calls = calls_of(clients.dynamodb())
    cpu(receive(next(_numbers)))
    made = len(calls)
    bare = [_bare(hub, asked, number) for number in range(rounds)]
    pair = side_by_side([receive(next(_numbers)) for _ in range(rounds)], bare)
    yield Figure(name=f"{name}, AWS calls", value=made, unit="", target=2)
    yield Figure(name=f"{name}, CPU", value=middle(pair.ours), unit="ms")
    yield Figure(name=f"{name}, CPU of the two calls bare", value=middle(pair.other), unit="ms")
    yield Figure(name=f"{name}, CPU over bare botocore", value=pair.ratio, unit="x", target=1.3)
    both = receive(next(_numbers)), _bare(hub, asked, rounds)
    memory = [peak_kb(work) for work in both]
    yield Figure(name=f"{name}, peak memory", value=memory[0], unit="KB")
    yield Figure(name=f"{name}, peak memory bare", value=memory[1], unit="KB")


def _first_contact(rounds: int) -> Iterator[Figure]:
    """Everything is new: the address, the contact, the conversation, its reference."""

    def receive() -> Work:
        number = next(_numbers)
        event = text(number, f"+1415{number:07d}")
        return lambda: _post(inbound_sms, event)

    calls = calls_of(clients.dynamodb())
    cpu(receive())
    yield Figure(name="first contact, AWS calls", value=len(calls), unit="", target=2)
    times = [cpu(receive()) for _ in range(rounds)]
    yield Figure(name="first contact, CPU", value=middle(times), unit="ms")


def _post(handler: Any, event: Mapping[str, Any]) -> None:
    answered = handler.lambda_handler(event, None)
    assert answered["statusCode"] < 300, answered["body"]


def _recorded(work: Work) -> Sequence[Call]:
    """What a webhook asks of DynamoDB, as it was given to botocore."""
    calls: list[Call] = []
    events = clients.dynamodb().meta.events

    def keep(params: dict[str, Any], model: Any, **_: Any) -> None:
        calls.append((model.name, copy.deepcopy(params)))

    events.register_first("provide-client-params.dynamodb.*", keep)
    cpu(work)
    events.unregister("provide-client-params.dynamodb.*", keep)
    return calls


def _bare(hub: Deployment, asked: Sequence[Call], number: int) -> Work:
    """The same calls for one more message: its delivery and its entry are named anew."""
    operations: dict[str, Callable[..., Any]] = {
        "BatchGetItem": hub.client.batch_get_item,
        "TransactWriteItems": hub.client.transact_write_items,
    }
    delivery, entry = _names(asked)
    renamed = json.dumps([params for _, params in asked])
    renamed = renamed.replace(delivery, f"{delivery[:-6]}b{number:05d}")
    renamed = renamed.replace(entry, f"{entry[:-6]}B{number:05d}")
    params = json.loads(renamed)
    named = [operations[name] for name, _ in asked]

    def work() -> None:
        for operation, given in zip(named, params, strict=True):
            operation(**given)

    return work


def _names(asked: Sequence[Call]) -> tuple[str, str]:
    """The marker's key and the entry's id in what a webhook asked."""
    (transaction,) = (params for name, params in asked if name == "TransactWriteItems")
    puts = [leg["Put"]["Item"] for leg in transaction["TransactItems"] if "Put" in leg]
    (marker,) = (item for item in puts if item["type"] == {"S": "delivery"})
    (entry,) = (item for item in puts if item["type"] == {"S": "entry"})
    return marker["PK"]["S"], entry["id"]["S"]
