"""A restore reads old deliveries of a timeframe that is out of use: their moments must not move to midnight."""

from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from flows.config import Settings
from flows.warehouse.connection import prepare


@pytest.mark.parametrize(
    ("timeframe", "bar_start"),
    [
        ("1d", datetime(2026, 1, 8)),
        ("1h", datetime(2026, 1, 8, 9)),
        ("15m", datetime(2026, 1, 8, 9, 45)),
        ("4h", datetime(2026, 1, 8, 8)),
        ("1w", datetime(2026, 1, 5)),
    ],
)
def test_a_timeframe_out_of_use_keeps_its_grid(tmp_path: Path, timeframe: str, bar_start: datetime) -> None:
    with duckdb.connect() as connection:
        prepare(connection, Settings(home=tmp_path, timeframes=("1d",), _env_file=None))
        found = connection.execute(f"select bar_floor('{timeframe}', timestamp '2026-01-08 09:59')").fetchall()
    assert found == [(bar_start,)]
