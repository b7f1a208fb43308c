"""Whether the newest digest is late: what turns `status --check` red."""

from datetime import datetime
from pathlib import Path

from flows.delivery.delivery import State, deadline, due_at, last_late_week, read
from flows.delivery.settings import DeliverySettings
from flows.warehouse import journal


def overdue(home: Path, now: datetime, settings: DeliverySettings) -> list[str]:
    """One sentence for each way in which the newest digest that should be delivered by now is not; none where it is.

    A digest is expected once a channel is set up, for the weeks after which something had been published in time.
    Earlier weeks are history: `trackrecord deliveries` tells of them.
    """
    if not (settings.mail_to or settings.webhooks or settings.chats):
        return []
    week = last_late_week(now, settings.delivery_deadline_hours)
    until = deadline(week, settings.delivery_deadline_hours)
    deliveries = [one for one in read(home).values() if one.week == week]
    if not deliveries:
        if not _could_be_made(home, due_at(week)):
            return []
        return [
            f"The digest of {week} was to be delivered by {until:%Y-%m-%d %H:%M} UTC and was never made. "
            f"Run `trackrecord digest --week {week}`."
        ]
    return [
        f"{one.key} was to be delivered by {until:%Y-%m-%d %H:%M} UTC and is {one.state}: {one.told}. "
        + _advice(one.key, one.state)
        for one in deliveries
        if one.state is not State.DELIVERED
    ]


def _could_be_made(home: Path, moment: datetime) -> bool:
    runs = journal.read(home, "runs")
    return any(run["state"] == "published" and datetime.fromisoformat(run["written_at"]) <= moment for run in runs)


def _advice(key: str, state: State) -> str:
    if state in (State.UNKNOWN, State.SENDING):
        return f"Ask the reader, then `trackrecord deliveries --resend {key}` or `--arrived {key}`."
    return f"Mend the channel, then `trackrecord deliveries --resend {key}`."
