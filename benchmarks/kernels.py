"""The same forward windows computed and aggregated by several tools; single windows are not stored.

A kernel takes the path of a spine (Parquet; token_id, bar_start, open, high, low, close, segment; sorted by
token_id and bar_start, without holes inside a segment) and the horizons, and returns one `Aggregate` per
horizon over its matured windows. The window of h bars that enters at bar i has the path
[open_i, close_i, ..., close_{i+h-1}] (contract, section 5). A hit compares prices, not rounded returns, so
that every kernel counts the same ones.

Reading the file is part of every kernel; importing and compiling are not (`measure.py` warms up first).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

HORIZONS = (1, 7, 14, 30, 90)
COST = 0.002
"""Round-trip cost as a fraction: 20 bps."""

COLUMNS = ["token_id", "segment", "open", "high", "low", "close"]


class Aggregate(NamedTuple):
    """The aggregate of all matured windows of one horizon: their number, sums, and hits net of costs."""

    n_matured: int
    sum_return: float
    sum_highest: float
    sum_lowest: float
    sum_drawdown_long: float
    sum_drawdown_short: float
    n_hits_long: int
    n_hits_short: int


Result = dict[int, Aggregate]
Kernel = Callable[[Path, Sequence[int]], Result]


# --- pandas -----------------------------------------------------------------------------------------------


def pandas_kernel(path: Path, horizons: Sequence[int] = HORIZONS) -> Result:
    """Plain pandas: reversed rolling extremes and shifts per group, drawdowns by a loop over offsets.

    Rolling and shifting run over the whole sorted frame and the windows that cross a segment's end are
    masked, which is several times faster than `groupby(...).rolling(...)`. The loop over offsets carries
    the drawdowns from one horizon to the next, so the whole costs as much as the longest horizon.
    """
    import pandas as pd

    bars = pd.read_parquet(path, columns=COLUMNS)
    groups = bars.groupby(["token_id", "segment"], sort=False)["close"]
    left = groups.cumcount(ascending=False).to_numpy() + 1
    backwards = bars.iloc[::-1]
    entry = bars["open"]
    drawdowns = _pandas_drawdowns(entry.to_numpy(), bars["close"].to_numpy(), horizons)
    result: Result = {}
    for h, (drawdown_long, drawdown_short) in zip(sorted(horizons), drawdowns, strict=True):
        matured = left >= h
        exits = bars["close"].shift(1 - h)
        highest = backwards["high"].rolling(h).max().iloc[::-1]
        lowest = backwards["low"].rolling(h).min().iloc[::-1]
        result[h] = Aggregate(
            int(matured.sum()),
            float((exits / entry - 1)[matured].sum()),
            float((highest / entry - 1)[matured].sum()),
            float((lowest / entry - 1)[matured].sum()),
            float(drawdown_long[matured].sum()),
            float(drawdown_short[matured].sum()),
            int((exits > entry * (1 + COST))[matured].sum()),
            int((exits < entry * (1 - COST))[matured].sum()),
        )
    return result


def _pandas_drawdowns(entry: Floats, close: Floats, horizons: Sequence[int]) -> Iterator[tuple[Floats, Floats]]:
    """Yield long and short drawdowns per horizon: one step of the path at a time, on whole columns."""
    n = len(close)
    peak, trough = entry.copy(), entry.copy()
    worst, give_back, scratch = np.ones(n), np.zeros(n), np.empty(n)
    wanted = set(horizons)
    for k in range(max(horizons)):
        price, m = close[k:], n - k
        np.minimum(worst[:m], np.divide(price, peak[:m], out=scratch[:m]), out=worst[:m])
        np.maximum(give_back[:m], np.subtract(price, trough[:m], out=scratch[:m]), out=give_back[:m])
        np.maximum(peak[:m], price, out=peak[:m])
        np.minimum(trough[:m], price, out=trough[:m])
        if k + 1 in wanted:
            yield worst - 1, -give_back / entry


# --- vectorbt ---------------------------------------------------------------------------------------------


def vectorbt_kernel(path: Path, horizons: Sequence[int] = HORIZONS) -> Result:
    """vectorbt as in its documentation: wide frames, its rolling extremes and `rolling_apply`.

    One column per token and segment; a window that reaches past a segment's end holds a NaN and drops out.
    """
    import pandas as pd
    import vectorbt  # noqa: F401  (registers the `.vbt` accessor)

    bars = pd.read_parquet(path, columns=["bar_start", *COLUMNS])
    wide = bars.pivot(index="bar_start", columns=["token_id", "segment"], values=COLUMNS[2:])
    wide = wide.iloc[::-1]  # future windows are past windows of the reversed frame
    entry, high, low, close = (wide[name] for name in COLUMNS[2:])
    return {h: _vectorbt_horizon(entry, high, low, close, h) for h in horizons}


def _vectorbt_horizon(entry: Any, high: Any, low: Any, close: Any, h: int) -> Aggregate:
    """Aggregate one horizon of reversed wide frames: (bar, token) arrays, NaN where not matured."""
    worst_nb, give_back_nb = _vectorbt_functions()
    exits = close.shift(h - 1).to_numpy()
    price = entry.to_numpy()
    highest = high.vbt.rolling_max(h).to_numpy()
    lowest = low.vbt.rolling_min(h).to_numpy()
    worst = close.vbt.rolling_apply(h, worst_nb, price).to_numpy()
    give_back = close.vbt.rolling_apply(h, give_back_nb, price).to_numpy()
    matured = ~np.isnan(exits) & ~np.isnan(price)
    return Aggregate(
        int(matured.sum()),
        float(np.nansum(exits / price - 1)),
        float(np.nansum(highest / price - 1)),
        float(np.nansum(lowest / price - 1)),
        float(np.nansum(worst - 1)),
        float(np.nansum(-give_back / price)),
        int((exits > price * (1 + COST)).sum()),
        int((exits < price * (1 - COST)).sum()),
    )


@cache
def _vectorbt_functions() -> tuple[Any, Any]:
    """The two drawdowns of one window of reversed closes, as `rolling_apply` wants them."""
    from numba import njit

    @njit
    def worst_nb(row, col, closes, entry):  # type: ignore[no-untyped-def]
        peak, worst = entry[row, col], 1.0
        for j in range(len(closes) - 1, -1, -1):
            worst = min(worst, closes[j] / peak)
            peak = max(peak, closes[j])
        return worst

    @njit
    def give_back_nb(row, col, closes, entry):  # type: ignore[no-untyped-def]
        trough, give_back = entry[row, col], 0.0
        for j in range(len(closes) - 1, -1, -1):
            give_back = max(give_back, closes[j] - trough)
            trough = min(trough, closes[j])
        return give_back

    return worst_nb, give_back_nb


# --- numba: the limit -------------------------------------------------------------------------------------


def numba_kernel(path: Path, horizons: Sequence[int] = HORIZONS) -> Result:
    """The practical limit: a chain of window states per segment, in cache, on all cores.

    The state of the closes of a window is (lowest close, highest close, worst later / earlier ratio, largest
    later - earlier, lowest low, highest high); two adjacent windows combine in O(1), so 1, 3, 7, 14, 15, 30,
    90 bars take 10 combinations. The entry's open is added last.
    """
    import pyarrow.parquet as pq

    from benchmarks.chain_nb import aggregate_chain

    table = pq.read_table(path, columns=COLUMNS)
    token, segment, entry, high, low, close = (table[name].to_numpy() for name in COLUMNS)
    is_first = np.ones(len(token) + 1, dtype=np.bool_)
    is_first[1:-1] = (token[1:] != token[:-1]) | (segment[1:] != segment[:-1])
    sums = aggregate_chain(np.flatnonzero(is_first), entry, high, low, close, COST)
    return _chain_result(sums.tolist(), horizons)


# --- DuckDB -----------------------------------------------------------------------------------------------


def duckdb_kernel(path: Path, horizons: Sequence[int] = HORIZONS) -> Result:
    """One streaming SQL statement per core: the chain of states by `lead(x, k) over ()`."""
    from benchmarks import duckdb_chain

    return _chain_result(duckdb_chain.run_chain(path, COST), horizons)


def our_kernel(path: Path, horizons: Sequence[int] = HORIZONS) -> Result:
    """Arrow reads the file as a stream; the product's own function computes the windows, on all cores."""
    from benchmarks import ours

    return {
        h: Aggregate(int(n), *sums, int(wins), int(losses))
        for h, (n, *sums, wins, losses) in ours.kernel(path, horizons).items()
    }


def _chain_result(sums: Sequence[Sequence[float]], horizons: Sequence[int]) -> Result:
    """The sums of a chain as `Aggregate` by horizon; chains compute the default horizons only."""
    if tuple(horizons) != HORIZONS:
        raise ValueError(f"the chain is written for the horizons {HORIZONS}, not {tuple(horizons)}")
    return {
        h: Aggregate(int(n), total, high, low, worst, give_back, int(wins), int(losses))
        for h, (n, total, high, low, worst, give_back, wins, losses) in zip(HORIZONS, sums, strict=True)
    }


# --- registry ---------------------------------------------------------------------------------------------

LIMIT = "numba chain (the limit)"
"""The label of the kernel that the others are compared with."""

OURS = "trackrecord"

KERNELS: dict[str, Kernel] = {
    OURS: our_kernel,
    "the same chain in SQL": duckdb_kernel,
    "pandas": pandas_kernel,
    "vectorbt": vectorbt_kernel,
    LIMIT: numba_kernel,
}
"""All kernels by label, in the order of the table; ours first. Add one and it is verified and measured."""


def run_kernel(label: str, path: str) -> Result:
    """Run one kernel over the default horizons; `measure.py` calls this in a process of its own."""
    return KERNELS[label](Path(path), HORIZONS)
