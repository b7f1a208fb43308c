"""Faults as values: what goes wrong, on which calls, at which endpoint."""

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields

from flows.errors import UsageError

KINDS = {
    "status": "answer with this status (`retry_after=N` or `retry_after=date` adds the header)",
    "stall": "wait this many seconds before the first byte",
    "slow": "send the body in drops over this many seconds",
    "cut": "close the connection in the middle of the body",
    "reset": "close the connection without an answer",
    "length": "be wrong by this many bytes in Content-Length",
    "html": "answer 200 with a page of HTML",
    "blank": "answer 200 with an empty body",
    "empty": "answer 200 with no rows",
    "shuffle": "order the rows within a date anew on each call",
    "repeat": "begin a page with this many rows of the one before; none is lost",
    "lose": "leave out this many rows at the beginning of each page but the first",
    "shrink": "leave out this many rows at the end of the page",
    "restate": "turn this share of the signals older than two days",
    "rename": "give a field another name (OLD:NEW)",
    "drop": "leave a field out",
    "extra": "add a field nobody knows",
    "null": "make a field null in every row",
    "text": "send a field as text, or every number where no field is named",
    "off_hour": "stamp hourly rows a while after the hour",
    "skew": "be this many seconds off in the Date header",
}
TAKES_NOTHING = ("cut", "reset", "html", "blank", "empty", "shuffle", "off_hour")
DEFAULTS = {"repeat": "3", "lose": "3", "shrink": "3", "restate": "0.05", "length": "-10", "text": ""}
# Faults of these kinds affect every call unless `times` is given, because a real server would show them permanently.
LASTING = ("shuffle", "repeat", "lose", "restate", "rename", "drop", "extra", "null", "text", "off_hour", "skew")


@dataclass(frozen=True)
class Fault:
    """One kind of fault and the calls it affects.

    Of the calls to `endpoint` (None: any) it affects `times` (None: all that follow) from the `call`-th on (from 1),
    and of these only the `share`, drawn by the server's seed.
    """

    kind: str
    value: str = ""
    endpoint: str | None = None
    call: int = 1
    times: int | None = 1
    share: float = 1.0
    retry_after: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"Fault {self.kind} is unknown; there are {', '.join(KINDS)}.")
        if not self.value and self.kind not in (*TAKES_NOTHING, *DEFAULTS):
            raise UsageError(f"Fault {self.kind} needs a value, as in {self.kind}=…: {KINDS[self.kind]}.")

    @property
    def number(self) -> float:
        """The value as a number."""
        return float(self.value or DEFAULTS[self.kind])

    def __str__(self) -> str:
        parts = [f"{self.kind}={self.value}" if self.value else self.kind]
        if self.endpoint:
            parts.append(f"endpoint={self.endpoint}")
        parts += [f"call={self.call}", f"times={'all' if self.times is None else self.times}"]
        if self.share < 1:
            parts.append(f"share={self.share:g}")
        if self.retry_after:
            parts.append(f"retry_after={self.retry_after}")
        return ",".join(parts)


def parse_fault(text: str) -> Fault:
    """Parse a fault: `KIND[=VALUE][,endpoint=E][,call=K][,times=N|all][,share=S][,retry_after=R]`.

    Raises UsageError for what cannot be read.
    """
    head, *options = text.split(",")
    kind, _, value = head.partition("=")
    given_options: dict[str, str] = {}
    known = {field.name for field in fields(Fault)} - {"kind", "value"}
    for option in options:
        name, is_given, given = option.partition("=")
        if name not in known or not is_given:
            raise UsageError(f"--fault {text}: {option} is unknown; after the kind come {', '.join(sorted(known))}.")
        given_options[name] = given
    lasts = kind in LASTING or ("share" in given_options and "call" not in given_options)
    times = given_options.get("times", "all" if lasts else "1")
    try:
        return Fault(
            kind,
            value,
            endpoint=given_options.get("endpoint"),
            call=int(given_options.get("call", 1)),
            times=None if times == "all" else int(times),
            share=float(given_options.get("share", 1)),
            retry_after=given_options.get("retry_after", ""),
        )
    except ValueError as error:
        raise UsageError(f"--fault {text} cannot be read: {error}.") from error


def fail_every(kind: str, value: str = "", *, share: float, endpoint: str | None = None) -> Fault:
    """This fault on a share of all calls."""
    return Fault(kind, value, endpoint=endpoint, times=None, share=share)


class Schedule:
    """Which faults affect the next call. Not safe to share between threads without a lock."""

    def __init__(self, faults: Iterable[Fault], seed: int) -> None:
        self._faults = list(faults)
        self._seen = [0] * len(self._faults)
        self._dice = random.Random(seed)

    def next(self, endpoint: str) -> list[Fault]:
        """The faults of this call; counts it."""
        due = []
        for place, fault in enumerate(self._faults):
            if fault.endpoint not in (None, endpoint):
                continue
            self._seen[place] += 1
            age = self._seen[place] - fault.call
            is_due = age >= 0 and (fault.times is None or age < fault.times)
            if is_due and (fault.share >= 1 or self._dice.random() < fault.share):
                due.append(fault)
        return due


def in_page(start: int, limit: int, page: int, faults: Iterable[Fault]) -> tuple[int, int]:
    """The first row of a page and the row after its last, changed by the faults."""
    end = start + limit
    for fault in faults:
        n = int(fault.number) if fault.kind in ("repeat", "lose", "shrink") else 0
        if fault.kind == "repeat":
            start, end = max(0, start - n * page), max(0, end - n * page)
        elif fault.kind == "lose" and page > 0:
            start += n
        elif fault.kind == "shrink":
            end = max(start, end - n)
    return start, end


def spoil_fields(row: dict[str, object], fault: Fault) -> dict[str, object]:
    """A row with its fields changed by the fault."""
    match fault.kind:
        case "rename":
            old, _, new = fault.value.partition(":")
            return {new if name == old else name: value for name, value in row.items()}
        case "drop":
            return {name: value for name, value in row.items() if name != fault.value}
        case "extra":
            return {**row, fault.value: 1}
        case "null":
            return {name: None if name == fault.value else value for name, value in row.items()}
        case "text":
            return {name: _as_text(value) if fault.value in ("", name) else value for name, value in row.items()}
        case "off_hour":
            return {
                name: re.sub(r":00:00\.000Z$", ":26:09.454Z", value)
                if name.upper() == "TIMESTAMP" and isinstance(value, str)
                else value
                for name, value in row.items()
            }
        case _:
            return row


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
