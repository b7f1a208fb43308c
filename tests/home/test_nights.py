"""A night is due from 00:20 UTC until a run over the same folder was published, or stopped by a gate, since then."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from flows.home import journal
from flows.home.nights import night_due_at, night_is_done

NOW = datetime(2026, 11, 22, 7, 50)
THIS_NIGHT = {
    "run_id": "a",
    "source": "files",
    "input": "/data/vendor",
    "request_kind": None,
    "state": "published",
    "is_simulated": False,
    "started_at": "2026-11-22T00:20:05",
    "as_of": "2026-11-22T00:20:05",
}


def is_done(home: Path, *runs: dict[str, Any], now: datetime = NOW) -> bool:
    journal.append_all(home, "runs", [THIS_NIGHT | run for run in runs])
    return night_is_done(home, now, source="files", input="/data/vendor")


@pytest.mark.parametrize(
    ("now", "due_at"),
    [
        (datetime(2026, 11, 22, 0, 19, 59), datetime(2026, 11, 21, 0, 20)),
        (datetime(2026, 11, 22, 0, 20), datetime(2026, 11, 22, 0, 20)),
        (datetime(2026, 11, 22, 23, 59), datetime(2026, 11, 22, 0, 20)),
    ],
)
def test_the_newest_night_is_due_from_twenty_past_midnight(now: datetime, due_at: datetime) -> None:
    assert night_due_at(now) == due_at


def test_a_home_without_runs_owes_the_night(tmp_path: Path) -> None:
    assert not night_is_done(tmp_path, NOW, source="files", input="/data/vendor")


@pytest.mark.parametrize("state", ["published", "stopped"])
def test_a_run_that_was_published_or_waits_for_somebody_has_done_it(tmp_path: Path, state: str) -> None:
    assert is_done(tmp_path, {"state": state})


def test_it_is_due_again_a_day_later(tmp_path: Path) -> None:
    assert is_done(tmp_path, {}, now=datetime(2026, 11, 23, 0, 19))
    assert not is_done(tmp_path, {}, now=datetime(2026, 11, 23, 0, 20))


@pytest.mark.parametrize(
    "run",
    [
        {"state": "failed"},
        {"state": "running"},
        {"started_at": "2026-11-22T00:19:00", "as_of": "2026-11-22T00:19:00"},
        {"as_of": "2026-03-01T00:20:00"},
        {"source": "sample"},
        {"input": "/data/another"},
        {"request_kind": "1h"},
        {"request_kind": "days"},
    ],
)
def test_no_other_run_has_done_it(tmp_path: Path, run: dict[str, Any]) -> None:
    """Failed, killed, of the night before, a replay, another source or folder, an hour, missed days."""
    assert not is_done(tmp_path, run)


def test_a_simulated_market_lives_at_its_own_moment(tmp_path: Path) -> None:
    assert is_done(tmp_path, {"is_simulated": True, "as_of": "2026-07-01T00:20:00"})
