"""Filling the tables of forward windows: bars out of DuckDB by token ranges, windows computed, rows back in."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import duckdb
import numpy as np
import pyarrow as pa

from flows.config import SQL_DIR
from flows.scoring.windows import STATUSES, Bars, Windows, forward_windows

# Bars that one worker holds at once: bounds the memory, and keeps the arrays near the processor.
BARS_A_BATCH = 100_000

ALL_TOKENS = (-(2**63), 2**63 - 1)

# The window's columns at each horizon, in the order they are stored.
PRICES = ("exit_price", "highest", "lowest", "drawdown_long", "drawdown_short")


def fill_windows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    select_bars: Callable[[tuple[int, int]], str],
    *,
    timeframe: str,
    horizons: tuple[int, ...],
    threads: int,
) -> int:
    """Append to `table` the windows over the bars that `select_bars` selects for a range of tokens; return how many.

    Every worker has a cursor of its own, so outside a transaction each range is committed by itself.
    """
    ranges = _token_ranges(connection, timeframe)

    def fill(tokens: tuple[int, int]) -> int:
        with connection.cursor() as cursor:
            cursor.execute((SQL_DIR / "macros.sql").read_text(encoding="utf-8"))
            return _fill_range(cursor, table, select_bars(tokens), horizons)

    if threads == 1 or len(ranges) == 1:
        return sum(_fill_range(connection, table, select_bars(tokens), horizons) for tokens in ranges)
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(fill, ranges))


def create_table(connection: duckdb.DuckDBPyConnection, table: str, horizons: tuple[int, ...]) -> None:
    """Create the empty table of windows, a group of columns a horizon."""
    wide = ", ".join(
        f"{', '.join(f'{name}_{horizon} double' for name in PRICES)}, status_{horizon} varchar" for horizon in horizons
    )
    connection.execute(
        f"create or replace table {table} (token_id bigint, entry_at timestamp, entry_price double, "
        f"segment_end timestamp, has_closed boolean, {wide})"
    )


def _fill_range(
    connection: duckdb.DuckDBPyConnection, table: str, select: str, horizons: tuple[int, ...]
) -> int:
    rows = connection.execute(select).to_arrow_table()
    column = {name: rows.column(name).to_numpy() for name in rows.column_names}
    bars = Bars(
        **{
            name: column[name]
            for name in (
                "open",
                "high",
                "low",
                "close",
                "n_filled",
                "bars_left",
                "bars_passed",
                "has_ended",
                "is_left_out",
                "is_pad",
            )
        }
    )
    windows = forward_windows(bars, horizons)
    kept = ~bars.is_pad
    found = pa.table(
        {
            "token_id": column["token_id"][kept],
            "entry_at": column["entry_at"][kept],
            "entry_price": bars.open[kept],
            "segment_end": column["segment_end"][kept],
            "has_closed": windows[max(horizons)].has_closed,
            **{
                name: values
                for horizon, of_horizon in windows.items()
                for name, values in _as_columns(of_horizon, horizon).items()
            },
        }
    )
    connection.register("found_windows", found)
    connection.execute(f"insert into {table} by name from found_windows")
    connection.unregister("found_windows")
    return int(found.num_rows)


def _as_columns(windows: Windows, horizon: int) -> dict[str, pa.Array]:
    columns: dict[str, pa.Array] = {
        f"{name}_{horizon}": pa.array(getattr(windows, name), mask=~windows.has_closed) for name in PRICES
    }
    columns[f"status_{horizon}"] = pa.DictionaryArray.from_arrays(windows.status, list(STATUSES))
    return columns


def _token_ranges(connection: duckdb.DuckDBPyConnection, timeframe: str) -> list[tuple[int, int]]:
    """Ranges of token ids with about as many bars each as a batch holds."""
    rows = connection.execute(
        """
        select segment.token_id, sum(bars_between(timeframe, greatest(started_at, entry_from), ended_at))::bigint
        from core.segment as segment
        inner join plan.window_scope as scope using (timeframe, token_id)
        where timeframe = $timeframe and segment.ended_at > scope.entry_from
        group by all
        order by all
        """,
        {"timeframe": timeframe},
    ).fetchall()
    if not rows:
        return []
    tokens, n_bars = np.array(rows, dtype=np.int64).T
    batch = np.cumsum(n_bars) // BARS_A_BATCH
    firsts = tokens[np.flatnonzero(np.diff(batch, prepend=-1))].tolist()
    bounds = [*firsts, ALL_TOKENS[1]]
    return [(low, high - 1) for low, high in pairwise(bounds)]
