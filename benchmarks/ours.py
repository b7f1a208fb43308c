"""The product's own jobs: its window kernel, and its build on a prepared warehouse."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from flows.config import Settings
from flows.run import start_run
from flows.scoring.windows import HIT_LONG, HIT_SHORT, Bars, Windows, forward_windows
from flows.sources.simulated import SampleSource
from flows.warehouse.build import build
from flows.warehouse.connection import open_warehouse
from flows.warehouse.forward_windows import BARS_A_BATCH
from flows.warehouse.publish import publish, stamp_of

THREADS = 2
COST_BPS = 20
COLUMNS = ["token_id", "segment", "open", "high", "low", "close"]

# The models whose time is reported as scoring; the others (versions of bars and signals, spine, calls, curves) are only
# part of the whole build's time.
SCORING = (
    "core.forward_window_1d",
    "work.forward_window_1h",
    "temp.base_need",
    "work.base_count_1d",
    "work.base_count_1h",
    "work.sector_base",
    "temp.sector_series",
    "marts.signal_outcome",
    "work.outcome_sum",
    "temp.sector_cell",
    "temp.token_cell",
    "work.sector_block",
    "temp.sector_inference",
    "temp.sector_card",
    "temp.sector_comparison",
    "marts.signal_scorecard",
    "temp.token_series",
    "temp.token_inference",
    "work.token_card",
    "temp.token_comparison",
    "work.card_comparison",
)


def kernel(path: Path, horizons: Sequence[int]) -> dict[int, tuple[float, ...]]:
    """Compute and aggregate windows: DuckDB reads the file in pieces, and threads call the product's kernel on each."""
    with duckdb.connect(config={"threads": 1}) as connection:
        pieces, turn = _pieces(connection, path), Lock()

        def next_piece() -> tuple[pa.Table, np.ndarray] | None:
            with turn:
                return next(pieces, None)

        def aggregate(_: int) -> np.ndarray:
            totals = np.zeros((len(horizons), 8))
            for table, ends in iter(next_piece, None):
                totals += _sums(_bars(table, ends), tuple(horizons))
            return totals

        with ThreadPoolExecutor(THREADS) as pool:
            totals = sum(pool.map(aggregate, range(THREADS)), start=np.zeros(1))
    return {horizon: tuple(row) for horizon, row in zip(horizons, totals.tolist(), strict=True)}


def _pieces(connection: duckdb.DuckDBPyConnection, path: Path) -> Iterator[tuple[pa.Table, np.ndarray]]:
    """The file in pieces of whole segments, with each segment's end; a segment cut off goes into the next piece."""
    batches = connection.execute(f"select {', '.join(COLUMNS)} from '{path}'").to_arrow_reader(BARS_A_BATCH)
    rest = batches.schema.empty_table()
    for batch in batches:
        table = pa.concat_tables([rest, pa.table(batch)])
        token_id, segment = table["token_id"].to_numpy(), table["segment"].to_numpy()
        ends = np.flatnonzero((token_id[1:] != token_id[:-1]) | (segment[1:] != segment[:-1])) + 1
        if len(ends):
            yield table.slice(0, ends[-1]), ends
            table = table.slice(ends[-1])
        rest = table
    yield rest, np.array([len(rest)])


def _bars(table: pa.Table, ends: np.ndarray) -> Bars:
    """Bars of whole segments, none marked as ended, because the benchmark counts only matured windows."""
    n = len(table)
    left = (np.repeat(ends, np.diff(ends, prepend=0)) - np.arange(n)).astype(np.int32)
    none = np.zeros(n, dtype=bool)
    return Bars(
        **{name: table[name].to_numpy() for name in ("open", "high", "low", "close")},
        n_filled=np.zeros(n, dtype=np.int32),
        bars_left=left,
        bars_passed=left,
        has_ended=none,
        is_left_out=none,
        is_pad=none,
    )


def _sums(bars: Bars, horizons: tuple[int, ...]) -> np.ndarray:
    return np.array([_sum(bars.open, windows) for windows in forward_windows(bars, horizons, COST_BPS).values()])


def _sum(entry: np.ndarray, windows: Windows) -> list[float]:
    is_open = np.flatnonzero(~windows.has_closed)
    n_closed = len(entry) - len(is_open)

    def total(values: np.ndarray) -> float:
        values[is_open] = 0
        return values.sum()

    return [
        n_closed,
        total(windows.exit_price / entry) - n_closed,
        total(windows.highest / entry) - n_closed,
        total(windows.lowest / entry) - n_closed,
        total(windows.drawdown_long),
        total(windows.drawdown_short),
        np.count_nonzero(windows.flags & HIT_LONG),
        np.count_nonzero(windows.flags & HIT_SHORT),
    ]


def prepare_home(home: Path, panel: Path, *, days_apart: int = 0) -> None:
    """A warehouse with a panel in `raw`, except its last days, as one accepted snapshot."""
    shutil.rmtree(home, ignore_errors=True)
    with open_warehouse(Settings(home=home)) as connection:
        _append_until(connection, panel, days_apart)


def add_day(home: str, panel: str, days_apart: int) -> dict[str, Any]:
    """Append one day of the panel, `days_apart` before its last, as another snapshot, and build."""
    with open_warehouse(Settings(home=Path(home))) as connection:
        _append_until(connection, Path(panel), days_apart)
    return build_home(home)


def build_home(home: str, *, is_full: bool = False) -> dict[str, Any]:
    """Build a prepared warehouse with the product's own function; return its times by model."""
    settings = Settings(home=Path(home))
    with open_warehouse(settings) as connection:
        if is_full:
            connection.execute("delete from ops.build")
        (as_of,) = connection.execute("select max(as_of) from ops.snapshot").fetchone() or (datetime.min,)
        started = time.perf_counter()
        report = build(connection, settings, as_of=as_of, run_id="benchmark")
        seconds = time.perf_counter() - started
    return {
        "is_full": report.is_full,
        "seconds": seconds,
        "scoring_seconds": sum(report.seconds.get(name, 0) for name in SCORING),
        "by_model": {name: round(value, 3) for name, value in report.seconds.items() if value >= 0.05},
    }


def full_build(home: str) -> dict[str, Any]:
    """Rebuild every model."""
    return build_home(home, is_full=True)


def published_size(home: str) -> dict[str, Any]:
    """Publish a built warehouse with the product's own function; return the time taken and the file's size."""
    settings = Settings(home=Path(home))
    run = start_run(SampleSource(), settings)
    with open_warehouse(settings) as connection:
        started = time.perf_counter()
        publish(connection, stamp_of(run), settings.published)
        seconds = time.perf_counter() - started
    return {"seconds": seconds, "mb": settings.published.stat().st_size / 2**20}


def _append_until(connection: duckdb.DuckDBPyConnection, panel: Path, days_apart: int) -> None:
    """Append the panel's rows that are not yet in `raw`, up to `days_apart` days before its end."""
    first_id, loaded_to, ended_to = connection.execute(
        f"""
        select
            coalesce(max(snapshot_id), 0) + 1,
            coalesce(max(as_of), '-infinity'::timestamp),
            (select max(bar_start + bar_length(timeframe)) from '{panel}/prices.parquet')
            - {days_apart} * interval 1 day
        from ops.snapshot
        """
    ).fetchone() or (1, None, None)
    for place, (name, moment, vendor) in enumerate(
        (("tokens", None, ""), ("prices", "bar_start", ""), ("signals", "signal_at", "'bench' as vendor,"))
    ):
        ended = f"{moment} + bar_length(timeframe)"
        where = f"where {ended} > $loaded_to and {ended} <= $ended_to" if moment else "where $loaded_to < $ended_to"
        connection.execute(
            f"insert into raw.{name} by name select {first_id + place} as snapshot_id, "
            "row_number() over () as row_number, "
            f"{vendor} *, false as is_snapped, false as is_preliminary from '{panel}/{name}.parquet' {where}",
            {"loaded_to": loaded_to, "ended_to": ended_to},
        )
        connection.execute(
            f"insert into ops.snapshot by name select {first_id + place} as snapshot_id, '{name}' as dataset, "
            "$ended_to as as_of, $ended_to as fetched_at, true as is_replay, 'passed' as state",
            {"ended_to": ended_to},
        )
