"""Run operations at once, one AWS call at a time, in an order a test chooses; and let them die.

Each operation runs in a thread of its own and stops before every call to the table until it is
picked. So an interleaving is a sequence of picks: the same picks give the same run, on any engine.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from shared.store.table import Table

_PATIENCE_SECONDS = 30


class DiedError(BaseException):
    """The process ended here. No `except Exception` may survive it."""


@dataclass
class _Running:
    operation: Callable[[], Any]
    ready: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    finished: bool = False
    dies: str = ""
    result: Any = None
    error: BaseException | None = None


class Interleaving:
    """Gates the calls of one table. `after_write` is called after each transaction that held."""

    def __init__(self, table: Table, after_write: Callable[[], Any] = lambda: None) -> None:
        self._current = threading.local()
        self._after_write = after_write
        events = table._client.meta.events
        events.register("before-call.dynamodb.*", self._before)
        events.register("after-call.dynamodb.*", self._after)

    def run(
        self, operations: Sequence[Callable[[], Any]], random: Random, *, deaths: float = 0.0
    ) -> list[_Running]:
        """Run all to their end. Each call is its operation's last with chance `deaths`."""
        running = [_Running(operation) for operation in operations]
        threads = [threading.Thread(target=self._live, args=(one,), daemon=True) for one in running]
        for thread, one in zip(threads, running, strict=True):
            thread.start()
            self._wait(one.ready)
        while alive := [one for one in running if not one.finished]:
            one = random.choice(alive)
            if random.random() < deaths:
                one.dies = random.choice(["before", "after"])
            one.ready.clear()
            one.go.set()
            self._wait(one.ready)
        for thread in threads:
            thread.join(_PATIENCE_SECONDS)
        return running

    def _live(self, one: _Running) -> None:
        self._current.one = one
        try:
            one.result = one.operation()
        except DiedError:
            pass
        except BaseException as error:  # noqa: BLE001 handed to the test as it is
            one.error = error
        finally:
            one.finished = True
            one.ready.set()

    def _before(self, **_: Any) -> None:
        one = getattr(self._current, "one", None)
        if one is None:
            return
        one.ready.set()
        self._wait(one.go)
        one.go.clear()
        if one.dies == "before":
            raise DiedError

    def _after(self, model: Any, http_response: Any, **_: Any) -> None:
        one = getattr(self._current, "one", None)
        if one is None:
            return
        if model.name == "TransactWriteItems" and http_response.status_code == 200:
            self._current.one = None
            try:
                self._after_write()
            finally:
                self._current.one = one
        if one.dies == "after":
            raise DiedError

    @staticmethod
    def _wait(event: threading.Event) -> None:
        if not event.wait(_PATIENCE_SECONDS):
            raise RuntimeError("an operation neither called nor ended")
