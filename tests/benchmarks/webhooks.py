"""A text message's webhook against the same two calls made with bare botocore."""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from functions.inbound_chat import handler as inbound_chat
from functions.inbound_sms import handler as inbound_sms
from shared.runtime import clients
from tests.benchmarks.bare import again, recorded
from tests.benchmarks.deployment import Deployment, calls_of
from tests.benchmarks.figures import Figure, middle
from tests.benchmarks.measuring import Work, cpu, peak_kb, side_by_side
from tests.webhooks import chat_event, chat_message, form_body, twilio_event

ROUNDS = 400
_numbers = count(1)


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

    yield from _againstagain(hub, "SMS webhook", receive, rounds)


def _chat(hub: Deployment, rounds: int) -> Iterator[Figure]:
    def receive(number: int) -> Work:
        visitor = {"email": "", "phone": "", "verified": True}
        event = chat_event(chat_message(visitor), delivery=f"msg_{number}")
        return lambda: _post(inbound_chat, event)

    yield from _againstagain(hub, "chat webhook", receive, rounds)


def _againstagain(hub: Deployment, name: str, receive: Any, rounds: int) -> Iterator[Figure]:
    for _ in range(3):  # the contact is known from here on, its conversation open
        cpu(receive(next(_numbers)))
    asked = recorded(receive(next(_numbers)))
    calls = calls_of(clients.dynamodb())
    cpu(receive(next(_numbers)))
    made = len(calls)
    bare = [again(hub, asked, number) for number in range(rounds)]
    pair = side_by_side([receive(next(_numbers)) for _ in range(rounds)], bare)
    yield Figure(name=f"{name}, AWS calls", value=made, unit="", target=2)
    yield Figure(name=f"{name}, CPU", value=middle(pair.ours), unit="ms")
    yield Figure(name=f"{name}, CPU of the two calls bare", value=middle(pair.other), unit="ms")
    yield Figure(name=f"{name}, CPU over bare botocore", value=pair.ratio, unit="x", target=1.3)
    both = receive(next(_numbers)), again(hub, asked, rounds)
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
