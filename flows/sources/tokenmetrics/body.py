"""The body of an answer: the vendor's envelope, or something else."""

import json
import re
from dataclasses import dataclass
from typing import Any

NOTHING_FOUND = re.compile(r"not found|no data|no rows|no results", re.IGNORECASE)


class NotAnEnvelope(ValueError):
    """The body is no JSON, or JSON without a list under `data`."""


@dataclass(frozen=True)
class Envelope:
    """A parsed body: its rows, and the number of rows that the vendor claims for this page (None without a claim).

    `is_failure`: it reports a failure, for another reason than that there are no rows.
    """

    rows: list[Any]
    length: int | None = None
    is_failure: bool = False


def opened(body: bytes) -> Envelope:
    """A body's envelope. Raises NotAnEnvelope for HTML, half a body, or JSON of another shape."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotAnEnvelope("the body is no JSON") from error
    if not isinstance(document, dict) or not ("data" in document or "success" in document):
        raise NotAnEnvelope("the body is JSON without a list under `data`")
    # An answer without rows may have null for the list, or no list.
    rows = document.get("data") if document.get("data") is not None else []
    if not isinstance(rows, list) or ("data" not in document and document["success"]):
        raise NotAnEnvelope("the body is JSON without a list under `data`")
    length = document.get("length")
    return Envelope(
        rows,
        length if isinstance(length, int) else None,
        is_failure=document.get("success") is False
        and not rows
        and not NOTHING_FOUND.search(str(document.get("message"))),
    )


def rows_of(body: bytes) -> list[Any]:
    """The rows of a body. Raises what `opened` raises."""
    return opened(body).rows


def is_html(body: bytes) -> bool:
    """Whether the body is a page for people."""
    return body.lstrip()[:1] == b"<"


def message_of(body: bytes) -> str:
    """The vendor's error message, cut to one line; empty where the body has none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    message = document.get("message") if isinstance(document, dict) else None
    return " ".join(str(message).split())[:200] if message else ""
