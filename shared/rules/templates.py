"""The words of automatic messages, the same on every channel."""

from shared.model.errors import RejectedError

_TEMPLATES = {
    "answer": "There is an answer to {reference} in your e-mail. You can also reply here.",
}


def find_template(name: str) -> str:
    """The words of a template, `{reference}` standing for the conversation's.

    Raises RejectedError when there is no such template.
    """
    if name not in _TEMPLATES:
        raise RejectedError("there is no such template")
    return _TEMPLATES[name]
