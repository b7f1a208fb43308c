"""Filling the tables of forward windows: bars out of DuckDB by token ranges, windows computed, rows back in."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import fields
from datetime import datetime
from itertools import chain, pairwise

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from flows.scoring.windows import BITS_A_HORIZON, Bars, forward_windows

# Bars that one worker has in memory at once. With a fifth of it, the workers would spend their time passing each other
# the lock of the interpreter, which NumPy takes after each call.
BARS_A_BATCH = 50_000

# Recent windows that one worker keeps back to write them last: 60 MB.
RECENT_ROWS_KEPT = 250_000

ALL_TOKENS = (-(2**63), 2**63 - 1)

# The window's columns at each horizon, in the order they are stored.
PRICES = ("exit_price", "highest", "lowest", "drawdown_long", "drawdown_short")


def fill_windows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    select_bars: Callable[[tuple[int, int]], str],
    *,
    segments: str,
    scope: str,
    recent: str,
    timeframe: str,
    horizons: tuple[int, ...],
    cost_bps: float,
    macros: str,
    threads: int,
) -> None:
    """Append to `table` the windows over the bars that `select_bars` selects for a range of tokens.

    How many bars a token has follows from its `segments` and from the entries that the `scope` asks for.

    Every worker has cursors of its own, with macros of their own, so outside a transaction each commits by itself.
    Workers write recent windows last, so that they lie together (see plan.recent).
    """
    ranges = _token_ranges(connection, timeframe, segments, scope)
    shares = [ranges[worker::threads] for worker in range(threads) if ranges[worker::threads]]

    (recent_from,) = connection.execute(
        f"select recent_from from {recent} where timeframe = '{timeframe}'"
    ).fetchone() or (None,)

    def fill(share: list[tuple[int, int]]) -> None:
        with connection.cursor() as reader, connection.cursor() as writer:
            reader.execute(macros)
            batches = (
                _windows(reader.execute(select_bars(tokens)).to_arrow_table(), horizons, cost_bps) for tokens in share
            )
            _insert(writer, table, _recent_last(batches, recent_from))

    if len(shares) > 1:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(fill, shares))
    else:
        # One connection, because a transaction has one: read everything, computing while the next is read, then write.
        found: list[Future[pa.RecordBatch]] = []
        with ThreadPoolExecutor(1) as pool:
            for tokens in ranges:
                rows = connection.execute(select_bars(tokens)).to_arrow_table()
                # At most one batch of bars waits to be computed.
                wait(found)
                found.append(pool.submit(_windows, rows, horizons, cost_bps))
        _insert(connection, table, iter([batch.result() for batch in found]))


def _recent_last(batches: Iterator[pa.RecordBatch], recent_from: datetime) -> Iterator[pa.RecordBatch]:
    """The same rows with the recent ones together at the end, or, where they are too many to keep, in some places."""
    recent: list[pa.RecordBatch] = []
    for batch in batches:
        is_recent = pc.greater_equal(batch["entry_at"], pa.scalar(recent_from, batch["entry_at"].type))
        yield batch.filter(pc.invert(is_recent))
        recent.append(batch.filter(is_recent))
        if sum(batch.num_rows for batch in recent) > RECENT_ROWS_KEPT:
            yield from recent
            recent.clear()
    yield from recent


def _insert(connection: duckdb.DuckDBPyConnection, table: str, batches: Iterator[pa.RecordBatch]) -> None:
    """Append batches in one statement: DuckDB then writes whole row groups, not one piece a batch."""
    first = next(batches, None)
    if first is None:
        return
    reader = pa.RecordBatchReader.from_batches(first.schema, chain([first], batches))
    connection.register("found_windows", reader)
    connection.execute(f"insert into {table} by name from found_windows")
    connection.unregister("found_windows")


def create_table(connection: duckdb.DuckDBPyConnection, created_as: str, horizons: tuple[int, ...]) -> None:
    """Create the empty table of windows, a group of columns a horizon."""
    wide = ", ".join(f"{name}_{horizon} double" for horizon in horizons for name in PRICES)
    connection.execute(
        f"create or replace {created_as} (token_id bigint, entry_at timestamp, entry_price double, "
        f"segment_end timestamp, has_closed boolean, flags bigint, {wide})"
    )


def _windows(rows: pa.Table, horizons: tuple[int, ...], cost_bps: float) -> pa.RecordBatch:
    """The windows over the selected bars, wide: one row an entry bar."""
    column = {name: rows.column(name).to_numpy() for name in rows.column_names}
    bars = Bars(**{field.name: column[field.name] for field in fields(Bars)})
    windows = forward_windows(bars, horizons, cost_bps)
    kept = ~bars.is_pad
    asked = column["is_asked"][kept]
    flags = sum(
        of_horizon.flags.astype(np.int64) << (BITS_A_HORIZON * place)
        for place, of_horizon in enumerate(windows.values())
    )
    batch = pa.record_batch(
        {
            "token_id": column["token_id"][kept],
            "entry_at": column["entry_at"][kept],
            "entry_price": bars.open[kept],
            "segment_end": column["segment_end"][kept],
            "has_closed": windows[max(horizons)].has_closed,
            "flags": flags,
            **{
                f"{name}_{horizon}": pa.array(getattr(of_horizon, name), mask=~of_horizon.has_closed)
                for horizon, of_horizon in windows.items()
                for name in PRICES
            },
        }
    )
    return batch if asked.all() else batch.filter(pa.array(asked))


def _token_ranges(
    connection: duckdb.DuckDBPyConnection, timeframe: str, segments: str, scope: str
) -> list[tuple[int, int]]:
    """Ranges of token ids with about the bars of a batch each."""
    rows = connection.execute(
        f"""
        select segment.token_id, sum(bars_between(timeframe, greatest(started_at, entry_from), ended_at))::bigint
        from {segments} as segment
        inner join {scope} as scope using (timeframe, token_id)
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
    bounds = [*firsts, ALL_TOKENS[1] + 1]
    return [(low, high - 1) for low, high in pairwise(bounds)]
