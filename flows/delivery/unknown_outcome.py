"""Deliveries of unknown outcome after a restore without outbox: what had been sent is not known, so nothing is sent.

A restore records in the journal whether the outbox or its journal came back. Where neither did, the digest of every
week that was open at that moment may have been sent already: it waits for an operator.
"""

from datetime import datetime, timedelta
from pathlib import Path

from flows.delivery.delivery import deadline, week_end
from flows.home import journal


def restore_without_outbox(home: Path, week: str, hours: float) -> datetime | None:
    """The newest restore that lost the outbox between the end of the week and its deadline, if any.

    `hours` is the setting `delivery_deadline_hours`.
    """
    moments = [
        datetime.fromisoformat(event["written_at"])
        for event in journal.read(home, "restores")
        if not event.get("is_sent_known", True)
    ]
    return max((at for at in moments if week_end(week) <= at <= deadline(week, hours)), default=None)


def weeks_of_unknown_outcome(home: Path, now: datetime, hours: float) -> list[str]:
    """The weeks within their deadline whose digest may have been sent before a restore."""
    ended = [f"{now - timedelta(weeks=back):%G-W%V}" for back in (1, 2)]
    return [week for week in ended if now <= deadline(week, hours) and restore_without_outbox(home, week, hours)]


def message(at: datetime) -> str:
    """The note of a delivery whose outcome a restore has made unknown."""
    return f"the home was restored at {at:%Y-%m-%d %H:%M} UTC and does not tell what had been sent by then"
