"""Replaying an archive day by day gives the tables of one run at its end."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.point_in_time.homes import assert_same_tables, new_home
from tests.scale import repeats

# The moments at which a nightly would first have seen the last prices and the last signals of perps_2024.
LAST_PRICES, LAST_SIGNALS = datetime(2026, 3, 20, 0, 20), datetime(2026, 7, 25, 0, 20)

# Columns that may differ (contract, section 10): a row's snapshot, and the known_at of rows delivered without one.
ALLOWED = frozenset(
    {
        "snapshot_id",
        "core.token.known_from",
        "core.token.known_to",
        "core.price_bar.known_at",
        "core.price_bar.known_from",
        "core.price_bar.known_to",
        "marts.scorecard_history",
        # Counts how often the past was fetched again, which differs by design.
        "marts.restatement_summary",
    }
)


@pytest.mark.parametrize(
    ("end", "n_days"),
    [
        (LAST_PRICES, 4),
        pytest.param(LAST_PRICES, repeats(12, whole=40), marks=[pytest.mark.slow, pytest.mark.timeout(1800)]),
        pytest.param(LAST_SIGNALS, repeats(12, whole=40), marks=[pytest.mark.slow, pytest.mark.timeout(1800)]),
    ],
)
def test_a_replay_day_by_day_equals_one_run_at_the_end(
    real_data: Path, tmp_path: Path, end: datetime, n_days: int
) -> None:
    with new_home(tmp_path / "daily") as daily, new_home(tmp_path / "once") as once:
        reports = [
            daily.replay(real_data / "perps_2024", end - timedelta(days=days)) for days in reversed(range(n_days))
        ]
        once.replay(real_data / "perps_2024", end)
        assert [report.is_full for report in reports] == [True] + [False] * (n_days - 1)
        assert daily.count("marts.signal_outcome") > 0
        assert_same_tables(daily, once, without=ALLOWED)
