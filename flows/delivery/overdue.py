"""Overdue digests: `status --check` fails until each has arrived or an operator has decided."""

from datetime import datetime, timedelta
from pathlib import Path

from flows.delivery.delivery import CLOSED, State, deadline, due_at, last_late_week, read, week_end
from flows.delivery.settings import DeliverySettings
from flows.delivery.unknown_outcome import restore_without_outbox
from flows.home import journal

# How many weeks back a missing digest is reported: as long as its edition is kept.
N_WEEKS = 8


def overdue(home: Path, now: datetime, settings: DeliverySettings) -> list[str]:
    """One sentence for each digest that should have been delivered by now and was not; empty where all were.

    A digest is expected once a channel is set up, for each week after which something was published in time. One that
    has not certainly arrived is reported for 8 weeks, or until an operator has decided. One that was never made is
    reported until the next week's is late, or for 8 weeks where it can still be made.
    """
    if not (settings.mail_to or settings.webhooks or settings.chats):
        return []
    hours = settings.delivery_deadline_hours
    newest = last_late_week(now, hours)
    sentences: list[str] = []
    deliveries = list(read(home).values())
    first = min((one.week for one in deliveries), default=newest)
    for week in (f"{week_end(newest) - timedelta(weeks=1 + back):%G-W%V}" for back in range(N_WEEKS)):
        of_week = [one for one in deliveries if one.week == week]
        until = f"{deadline(week, hours):%Y-%m-%d %H:%M} UTC"
        sentences += [
            f"{one.key} was to be delivered by {until} and is {one.state}: {one.note}. {advice(one.key, one.state)}"
            for one in of_week
            if one.state not in CLOSED
        ]
        if of_week:
            continue
        can_be_made = _was_published(home, week_end(week), week_end(week) + timedelta(weeks=1))
        if (week == newest and _was_published_by(home, due_at(week))) or (first < week and can_be_made):
            sentences.append(
                f"The digest of {week} was to be delivered by {until} and was never made. "
                f"{_how_to_make(week, is_possible=can_be_made)}{_whether_sent(home, week, hours)}"
            )
    return sentences


def advice(key: str, state: State) -> str:
    """What an operator can do about a delivery that has not certainly arrived."""
    if state in (State.UNKNOWN, State.SENDING):
        return f"Ask the reader, then `trackrecord deliveries --resend {key}` or `--arrived {key}`."
    if state is State.EXPIRED:
        return f"`trackrecord deliveries --resend {key}` sends it all the same; `--drop {key}` lets it be."
    return f"Mend the channel, then `trackrecord deliveries --resend {key}`."


def _how_to_make(week: str, *, is_possible: bool) -> str:
    if is_possible:
        return f"Run `trackrecord digest --week {week}`."
    return f"Nothing was published since the week ended: run the nightly, then `trackrecord digest --week {week}`."


def _whether_sent(home: Path, week: str, hours: float) -> str:
    restored_at = restore_without_outbox(home, week, hours)
    return (
        f" Whether it had been sent before is not known: the home was restored at {restored_at:%Y-%m-%d %H:%M} UTC "
        "without its outbox."
        if restored_at
        else ""
    )


def _was_published_by(home: Path, moment: datetime) -> bool:
    return any(
        run["state"] == "published" and datetime.fromisoformat(run["written_at"]) <= moment
        for run in journal.events(home, "runs")
    )


def _was_published(home: Path, start: datetime, end: datetime) -> bool:
    """Whether a run with its as-of moment in [start, end) was published: a week's digest can be made from it."""
    return any(
        run["state"] == "published" and run.get("as_of") and start <= datetime.fromisoformat(run["as_of"]) < end
        for run in journal.events(home, "runs")
    )
