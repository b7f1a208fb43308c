"""One delivery: an edition to be sent on one channel, its state, and the journal that records every step."""

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

# Journals and outboxes written by earlier releases call the note by this name.
ON_DISK = {"note": "told"}

# The digest is due this long after its week ends.
DUE_AFTER = timedelta(hours=6)


class State(StrEnum):
    """The state of a delivery. `due` and `failed` will be tried; `unknown` and `expired` wait for an operator."""

    DUE = "due"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    DROPPED = "dropped"


OPEN = (State.DUE, State.FAILED)

# Final states: nothing is sent and nothing is reported as overdue.
CLOSED = (State.DELIVERED, State.DROPPED)


@dataclass(frozen=True)
class Delivery:
    """An edition to be sent on one channel. Moments are UTC without zone.

    The edition is `n_parts` payloads on this channel, of which `n_sent` have certainly arrived. `note` explains the
    state. `step` counts the changes of this record, so that of two copies the newer one is known.
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
    note: str
    step: int = 0

    @property
    def key(self) -> str:
        """Week and channel: each such pair is delivered at most once."""
        return f"{self.week}/{self.channel}"

    def become(self, state: State, at: datetime, note: str, **changes: Any) -> "Delivery":
        """A copy of this delivery, one step on."""
        return replace(self, state=state, reached_at=at, note=note, step=self.step + 1, **changes)


def write(home: Path, delivery: Delivery) -> None:
    """Append the state of a delivery to the journal; durable when this returns."""
    journal.append(home, KIND, **to_event(delivery))


def read(home: Path) -> dict[str, Delivery]:
    """The last recorded state of every delivery, by key, in the order of their first entries in the journal."""
    return latest(from_event(event) for event in journal.read(home, KIND))


def latest(deliveries: Iterable[Delivery]) -> dict[str, Delivery]:
    """Of several records of a delivery the one with the highest step; of equal steps the last."""
    found: dict[str, Delivery] = {}
    for one in deliveries:
        if one.key not in found or one.step >= found[one.key].step:
            found[one.key] = one
    return found


def from_event(event: dict[str, Any]) -> Delivery:
    """A delivery from a journal event or an outbox row."""
    values = {field.name: event[ON_DISK.get(field.name, field.name)] for field in fields(Delivery)}
    for name in ("enqueued_at", "deadline_at", "reached_at"):
        values[name] = datetime.fromisoformat(values[name])
    return Delivery(**{**values, "state": State(values["state"])})


def to_event(delivery: Delivery) -> dict[str, Any]:
    """A delivery as its journal event and outbox row name the fields."""
    return {ON_DISK.get(name, name): value for name, value in asdict(delivery).items()}


def summary(deliveries: Iterable[Delivery]) -> str:
    """The number of deliveries in each state, in one line."""
    counts = Counter(one.state for one in deliveries)
    counted = ", ".join(f"{counts[state]} {state}" for state in State if counts[state])
    return f"Deliveries: {counted or 'none'}."


def week_end(week: str) -> datetime:
    """The moment an ISO week ends: Monday 00:00 UTC. Raises DeliveryError where there is no such week."""
    try:
        monday = datetime.strptime(f"{week}-1 +0000", "%G-W%V-%u %z")
    except ValueError:
        raise DeliveryError(f"{week} is no ISO week; one is written like 2026-W47.") from None
    return monday.astimezone(UTC).replace(tzinfo=None) + timedelta(weeks=1)


def due_at(week: str) -> datetime:
    """When the digest of a week is due."""
    return week_end(week) + DUE_AFTER


def deadline(week: str, hours: float) -> datetime:
    """The moment from which the digest of a week is late."""
    return due_at(week) + timedelta(hours=hours)


def last_late_week(now: datetime, hours: float) -> str:
    """The newest week whose deadline has passed."""
    last_day = now - timedelta(hours=hours) - DUE_AFTER - timedelta(weeks=1)
    return f"{last_day:%G-W%V}"


def as_row(delivery: Delivery) -> tuple[object, ...]:
    """The columns of `ops.delivery`, in their order: everything but the step."""
    return astuple(delivery)[:-1]
