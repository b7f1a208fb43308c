"""Doubt after a restore: a home that came back without its outbox cannot say what had been sent, so it sends nothing.

A restore notes in the journal whether the home still told what had been sent. Where it did not, every week that was
open at that moment may have gone out already: it waits for an operator.
"""

from datetime import datetime, timedelta
from pathlib import Path

from flows.delivery.delivery import deadline, week_end
from flows.home import journal


def restored_in_doubt(home: Path, week: str, hours: float) -> datetime | None:
    """The newest restore that did not know what had been sent and fell into the week's time of delivery, if any.

    `hours` is the deadline's, as the settings have it.
    """
    moments = [
        datetime.fromisoformat(event["written_at"])
        for event in journal.read(home, "restores")
        if not event.get("is_sent_known", True)
    ]
    return max((at for at in moments if week_end(week) <= at <= deadline(week, hours)), default=None)


def weeks_in_doubt(home: Path, now: datetime, hours: float) -> list[str]:
    """The weeks that are open now and that a restore has left in doubt."""
    ended = [f"{now - timedelta(weeks=back):%G-W%V}" for back in (1, 2)]
    return [week for week in ended if now <= deadline(week, hours) and restored_in_doubt(home, week, hours)]


def told(at: datetime) -> str:
    """What is said of a delivery that a restore has left in doubt."""
    return f"the home was restored at {at:%Y-%m-%d %H:%M} UTC and does not tell what had been sent by then"
