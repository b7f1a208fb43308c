"""What a body is: the vendor's envelope, or something that is not one."""

import json
from typing import Any


class NotAnEnvelope(ValueError):
    """The body is no JSON, or JSON without a list under `data`."""


def rows_of(body: bytes) -> list[Any]:
    """The rows of a body. Raises NotAnEnvelope for HTML, half a body, or JSON of another shape."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotAnEnvelope("the body is no JSON") from error
    if not isinstance(told, dict) or not isinstance(told.get("data"), list):
        raise NotAnEnvelope("the body is JSON without a list under `data`")
    data: list[Any] = told["data"]
    return data


def message_of(body: bytes) -> str:
    """What the vendor says went wrong, where the body says so; never more than a line."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    message = told.get("message") if isinstance(told, dict) else None
    return " ".join(str(message).split())[:200] if message else ""


def length_of(body: bytes) -> int | None:
    """The number of rows that the envelope claims for this page; None where it claims none."""
    told = json.loads(body).get("length")
    return told if isinstance(told, int) else None
