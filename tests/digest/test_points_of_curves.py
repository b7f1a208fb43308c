"""The chart of a curve has a point a week or a day, wherever the grid of its bars lies."""

from datetime import datetime, timedelta
from itertools import pairwise

import duckdb
import pytest

from flows.report.digest.moment import File
from flows.report.digest.risk import POLICIES, read_points
from flows.timeframes import TIMEFRAMES
from flows.warehouse.connection import set_macros

START = datetime(2025, 9, 1)


def curves(timeframe: str, n_bars: int, offset: timedelta) -> File:
    """A published file with the three curves of one vendor, over so many bars."""
    file = File.__new__(File)
    file.connection = duckdb.connect()
    set_macros(file.connection, TIMEFRAMES)
    length = timedelta(seconds=TIMEFRAMES[timeframe].seconds)
    file.connection.execute("create schema marts")
    file.connection.execute(
        "create table marts.sector_equity "
        "(vendor varchar, sector varchar, timeframe varchar, policy varchar, bar_start timestamp, equity double)"
    )
    file.connection.executemany(
        "insert into marts.sector_equity values ('v', 'all', ?, ?, ?, ?)",
        [
            (timeframe, policy, START + offset + number * length, 1.0 + number)
            for policy in POLICIES
            for number in range(n_bars)
        ],
    )
    file.connection.execute(
        "create table newest_end as select timeframe, max(bar_start) + bar_length(timeframe) as newest_end "
        "from marts.sector_equity group by timeframe"
    )
    return file


@pytest.mark.parametrize("offset", [0, -60, -30, 7 * 60])
@pytest.mark.parametrize(("timeframe", "n_bars", "step"), [("1d", 60, 7), ("1h", 240, 1), ("1w", 9, 7)])
def test_points_are_a_step_apart(timeframe: str, n_bars: int, step: int, offset: int) -> None:
    points = read_points(curves(timeframe, n_bars, timedelta(minutes=offset)), vendor="v", timeframe=timeframe)

    moments = [one.at for one in points]
    n_days = n_bars * TIMEFRAMES[timeframe].seconds / 86_400
    assert n_days / step - 1 <= len(moments) <= n_days / step + 2
    # The newest is a point, wherever it lies.
    assert {later - earlier for earlier, later in pairwise(moments[:-1])} == {timedelta(days=step)}
