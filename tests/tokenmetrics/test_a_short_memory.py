"""A plan with thirty days of candles refuses requests for more; the run goes on with those thirty days."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from flows.devserver import DevServer
from flows.devserver.contract import Plan
from tests.tokenmetrics.conftest import NOW
from tests.tokenmetrics.desk import Brought, fetch


def first_day(brought: Brought, dataset: str) -> date:
    """The first day of daily rows."""
    return date.fromisoformat(min(row[2] for row in brought.rows[dataset] if row[1] == "1d")[:10])


@pytest.mark.parametrize("reach", [30, 7])
def test_older_candles_are_missing_and_noted_and_nothing_else_is(tmp_path: Path, reach: int) -> None:
    with DevServer(now=NOW, plan=Plan(ohlcv_days=reach)) as server:
        brought = fetch(server, tmp_path / "first", history_days=60)
        again = fetch(server, tmp_path / "again", history_days=60, ohlcv_days=reach)
        past = fetch(
            server, tmp_path / "past", since=NOW.date() - timedelta(days=50), until=NOW.date() - timedelta(days=40)
        )
    for one in (brought, again):
        assert first_day(one, "prices") == NOW.date() - timedelta(days=reach - 1)
        assert first_day(one, "signals") == NOW.date() - timedelta(days=60)
    assert [line for line in brought.notes if f"TOKENMETRICS_OHLCV_DAYS={reach}" in line]
    assert not [line for line in again.notes if "TOKENMETRICS_OHLCV_DAYS" in line]
    assert again.rows["prices"] == brought.rows["prices"]
    # Older days have signals and no prices.
    assert first_day(past, "signals") == NOW.date() - timedelta(days=50)
    assert "prices" not in past.rows
    assert "prices: no rows came." in past.notes
