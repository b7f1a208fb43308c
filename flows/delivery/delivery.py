"""One delivery: an edition on its way to one channel, what it stands at, and the journal that tells of every step."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from flows.errors import DeliveryError
from flows.home import journal

KIND = "deliveries"

# When the week's digest is due, after the week is over.
DUE_AFTER = timedelta(hours=6)


class State(StrEnum):
    """What a delivery stands at. `due`, `failed`: will be tried. `unknown`, `expired`: wait for an operator."""

    DUE = "due"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    DROPPED = "dropped"


OPEN = (State.DUE, State.FAILED)

# Nothing more is to be done about these.
CLOSED = (State.DELIVERED, State.DROPPED)


@dataclass(frozen=True)
class Delivery:
    """An edition on its way to one channel. Moments are UTC without zone.

    `n_parts` payloads make up the edition on this channel, `n_sent` of them have arrived for certain. `step` counts the
    changes of this record, so that of two accounts of one delivery the later one is known.
    """

    week: str
    channel: str
    body_sha256: str
    state: State
    n_attempts: int
    n_parts: int
    n_sent: int
    enqueued_at: datetime
    deadline_at: datetime
    reached_at: datetime
    told: str
    step: int = 0

    @property
    def key(self) -> str:
        """What is delivered at most once."""
        return f"{self.week}/{self.channel}"

    def become(self, state: State, at: datetime, told: str, **changes: Any) -> "Delivery":
        """The next step of this delivery."""
        return replace(self, state=state, reached_at=at, told=told, step=self.step + 1, **changes)


def write(home: Path, delivery: Delivery) -> None:
    """Tell the journal where a delivery stands; durable when this returns."""
    journal.append(home, KIND, **asdict(delivery))


def read(home: Path) -> dict[str, Delivery]:
    """Where every delivery stands by what the journal tells, by key, in the order they were first told of."""
    return latest(from_event(event) for event in journal.read(home, KIND))


def latest(deliveries: Iterable[Delivery]) -> dict[str, Delivery]:
    """Of several accounts of a delivery the one that is furthest on; of two as far, the later told."""
    found: dict[str, Delivery] = {}
    for one in deliveries:
        if one.key not in found or one.step >= found[one.key].step:
            found[one.key] = one
    return found


def from_event(event: dict[str, Any]) -> Delivery:
    """A delivery from a journal event or an outbox row."""
    values = {field.name: event[field.name] for field in fields(Delivery)}
    for name in ("enqueued_at", "deadline_at", "reached_at"):
        values[name] = datetime.fromisoformat(values[name])
    return Delivery(**{**values, "state": State(values["state"])})


def summary(deliveries: Iterable[Delivery]) -> str:
    """How many deliveries stand where, in one line."""
    counts = Counter(one.state for one in deliveries)
    told = ", ".join(f"{counts[state]} {state}" for state in State if counts[state])
    return f"Deliveries: {told or 'none'}."


def week_end(week: str) -> datetime:
    """The moment an ISO week is over: Monday 00:00 UTC. Raises DeliveryError where there is no such week."""
    try:
        monday = datetime.strptime(f"{week}-1 +0000", "%G-W%V-%u %z")
    except ValueError:
        raise DeliveryError(f"{week} is no ISO week; one is written like 2026-W47.") from None
    return monday.astimezone(UTC).replace(tzinfo=None) + timedelta(weeks=1)


def due_at(week: str) -> datetime:
    """When the digest of a week is due."""
    return week_end(week) + DUE_AFTER


def deadline(week: str, hours: float) -> datetime:
    """When the digest of a week is late."""
    return due_at(week) + timedelta(hours=hours)


def last_late_week(now: datetime, hours: float) -> str:
    """The newest week whose deadline has passed."""
    last_day = now - timedelta(hours=hours) - DUE_AFTER - timedelta(weeks=1)
    return f"{last_day:%G-W%V}"


def as_row(delivery: Delivery) -> tuple[object, ...]:
    """The columns of `ops.delivery`, in their order: everything but the step."""
    return astuple(delivery)[:-1]
