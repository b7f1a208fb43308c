"""Notes for the readers, kept in the journal; each is shown only in the first digest made after it was written."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from flows.errors import UsageError
from flows.home import journal
from flows.report.digest.model import Note

MAX_BYTES = 2_000


def add_note(home: Path, text: str, *, weeks: Sequence[str]) -> str:
    """Keep a note; return the week whose digest will show it.

    `weeks` are those that the published file can make a digest of. The newest shows the note unless its digest has
    been made; then the week after it does. Raises UsageError for a note that would crowd out the digest.
    """
    if len(text.encode()) > MAX_BYTES:
        raise UsageError(
            f"A note has at most {MAX_BYTES:,} bytes; this one has {len(text.encode()):,}. Link to the rest."
        )
    newest = max(weeks)
    week = _after(newest) if newest in made_weeks(home) else newest
    journal.append(home, "notes", week=week, text=text)
    return week


def read_notes(home: Path, week: str, *, weeks: Sequence[str]) -> tuple[Note, ...]:
    """The notes that a week's digest shows: those meant for it, or for a week before it that had no digest."""
    return tuple(
        Note(written_at=datetime.fromisoformat(note["written_at"]), text=note["text"])
        for note in journal.read(home, "notes")
        if min((one for one in weeks if one >= note["week"]), default=None) == week
    )


def record_made(home: Path, week: str) -> None:
    """Record that a week's digest was made, so that later notes go into the next one."""
    if week not in made_weeks(home):
        journal.append(home, "digests", week=week)


def made_weeks(home: Path) -> set[str]:
    """The weeks whose digest was made."""
    return {event["week"] for event in journal.read(home, "digests")}


def _after(week: str) -> str:
    year, number = week.split("-W")
    following = (date.fromisocalendar(int(year), int(number), 1) + timedelta(days=7)).isocalendar()
    return f"{following.year}-W{following.week:02}"
