"""Do what is due, and go on with long work where it was left."""

import random
from collections.abc import Callable, Sequence
from datetime import datetime

from shared import assign, erase, service_level, split
from shared.model.due import Task, TaskKind
from shared.model.errors import ThroughlineError
from shared.store.objects import Objects
from shared.store.table import Table


def resume(
    tasks: Sequence[Task],
    *,
    table: Table,
    content: Objects,
    mails: Objects,
    now: datetime,
    turn: Callable[[], Callable[[], bool]],
) -> None:
    """Give each task its turn, in any order: of too many, each has one before long.

    `turn` begins one and tells whether it is still going on. What fails does not hold up the
    others; an ExceptionGroup of it is raised in the end.
    """
    failures = []
    for task in random.sample(tasks, len(tasks)):
        try:
            match task.kind:
                case TaskKind.SPLIT:
                    split.move(table, task.id, now=now, go_on=turn())
                case TaskKind.ANSWER:
                    service_level.breach(table, task, now=now)
                case TaskKind.ERASURE:
                    erase.finish(
                        table, task.id, content=content, mails=mails, now=now, go_on=turn()
                    )
                case TaskKind.ASSIGNMENT:
                    assign.release(table, task, now=now)
        except ThroughlineError as error:
            failures.append(error)
    if failures:
        raise ExceptionGroup("tasks could not be gone on with", failures)
