"""Errors that nobody foresaw: what they say may be what somebody wrote, so it is not repeated."""

import traceback
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from shared.model.errors import ThroughlineError

Event = TypeVar("Event")
Context = TypeVar("Context")
Answer = TypeVar("Answer")


class UnforeseenError(Exception):
    """A foreign error, by its kind and place."""


def reason(error: Exception) -> str:
    """Why something failed: our own words, or a foreign error's kind and place."""
    if isinstance(error, ThroughlineError):
        return str(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {place.name}, line {place.lineno}"


def discreet(
    handler: Callable[[Event, Context], Answer],
) -> Callable[[Event, Context], Answer]:
    """Make a Lambda handler of one that may raise anything: Lambda logs what an error says.

    Raises ThroughlineError, and UnforeseenError for any other.
    """

    @wraps(handler)
    def lambda_handler(event: Event, context: Context) -> Answer:
        try:
            return handler(event, context)
        except ThroughlineError:
            raise
        except Exception as error:
            raise UnforeseenError(reason(error)) from None

    return lambda_handler
