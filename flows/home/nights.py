"""Which night is due, and whether a run has done it: so that a lost night is made up for, and late runs do one job."""

from datetime import datetime, timedelta
from pathlib import Path

from flows.home import journal

# The nightly starts so long after the daily bar has closed (contract, section 4).
AFTER_THE_CLOSE = timedelta(minutes=20)

# A run that a gate stopped waits for somebody; another fetch would find the same.
ENDED = ("published", "stopped")


def night_due_at(now: datetime) -> datetime:
    """The moment (UTC) from which the newest night is due."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    due_at = midnight + AFTER_THE_CLOSE
    return due_at if now >= due_at else due_at - timedelta(days=1)


def night_is_done(home: Path, now: datetime, *, source: str, input: str) -> bool:
    """Whether a run over this source and input that began since the newest night is due was published or stopped.

    A replay of an earlier moment is no night, nor are the requests of an hour or of missed days; a simulated market
    lives at its own moment.
    """
    due_at = night_due_at(now)
    return any(
        run["state"] in ENDED
        and (run["source"], run.get("input")) == (source, input)
        and run.get("request_kind") is None
        and datetime.fromisoformat(run["started_at"]) >= due_at
        and (run.get("is_simulated") or datetime.fromisoformat(run["as_of"]) >= due_at)
        for run in journal.events(home, "runs")
    )
