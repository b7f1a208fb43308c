"""What a body is: the vendor's envelope, or something that is not one."""

import json
import re
from dataclasses import dataclass
from typing import Any

NOTHING_FOUND = re.compile(r"not found|no data|no rows|no results", re.IGNORECASE)


class NotAnEnvelope(ValueError):
    """The body is no JSON, or JSON without a list under `data`."""


@dataclass(frozen=True)
class Envelope:
    """A body, understood: its rows, and how many the vendor says this page has (None where it says nothing).

    `is_failure` says that it calls itself one, for another reason than that there are no rows.
    """

    rows: list[Any]
    length: int | None = None
    is_failure: bool = False


def opened(body: bytes) -> Envelope:
    """A body's envelope. Raises NotAnEnvelope for HTML, half a body, or JSON of another shape."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotAnEnvelope("the body is no JSON") from error
    if not isinstance(told, dict) or not ("data" in told or "success" in told):
        raise NotAnEnvelope("the body is JSON without a list under `data`")
    # Where there is nothing, the list may be null or left out.
    rows = told.get("data") if told.get("data") is not None else []
    if not isinstance(rows, list) or ("data" not in told and told["success"]):
        raise NotAnEnvelope("the body is JSON without a list under `data`")
    length = told.get("length")
    return Envelope(
        rows,
        length if isinstance(length, int) else None,
        is_failure=told.get("success") is False and not rows and not NOTHING_FOUND.search(str(told.get("message"))),
    )


def rows_of(body: bytes) -> list[Any]:
    """The rows of a body. Raises what `opened` raises."""
    return opened(body).rows


def is_html(body: bytes) -> bool:
    """Whether the body is a page for people."""
    return body.lstrip()[:1] == b"<"


def message_of(body: bytes) -> str:
    """What the vendor says went wrong, where the body says so; never more than a line."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    message = told.get("message") if isinstance(told, dict) else None
    return " ".join(str(message).split())[:200] if message else ""
