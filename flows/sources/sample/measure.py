"""The edge of a simulated market by the contract's definitions, in plain NumPy: the truth table is computed with it.

Written from sections 3 to 7 of the contract (bars, calls, windows, outcomes, scorecards) on bar x token arrays;
it computes means, no intervals. All frictions are included: segments, filled bars, seasoning, truncated windows,
coverage.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from flows.sources.sample.market import Bars, Market
from flows.sources.sample.skill import Timeframe
from flows.sources.sample.tokens import SEASONING_DAYS
from flows.sources.sample.vendor import calls, published_rows

COST = 0.0020  # round trip, fraction
HORIZONS: dict[Timeframe, tuple[int, ...]] = {"1d": (1, 7, 14, 30, 90), "1h": (1, 4, 24, 72, 168)}
# Bars from a call's bar to its entry. A row becomes known within one bar after its close, so that the first open
# after that is the second open; the few late rows are backfill and have no tradable entry.
ENTRY_LAG = {"next_open": 1, "tradable": 2}
ALL, BOTH = "all", "both"
_DIRECTIONS = {"bullish": (1,), "bearish": (-1,), BOTH: (1, -1)}
_MIN_BASE = 3


@dataclass(frozen=True)
class Spine:
    """Bar x token: the spine, each segment's bars with short gaps filled."""

    open: np.ndarray
    close: np.ndarray
    filled: np.ndarray  # bars filled so far in the column, this one included
    enters: np.ndarray  # whether a window may begin here: a real bar, seasoned, of a scored token
    segment_end: np.ndarray  # last bar of the segment
    has_ended: np.ndarray  # whether the segment has ended


def spine(market: Market, bars: Bars) -> Spine:
    """Segments, fills and seasoning of all tokens at once (contract, section 3)."""
    n_bars, n_tokens = bars.present.shape
    row = np.arange(n_bars)[:, None]
    limit = 3 * bars.bars_per_day
    at = np.where(bars.present, row, -1)
    last = np.maximum.accumulate(at, axis=0)  # newest bar up to here
    before = np.concatenate([np.full((1, n_tokens), -1), last[:-1]])
    column = np.arange(n_tokens)[None, :]
    ratio = bars.open / bars.close[np.maximum(before, 0), column]
    begins = bars.present & ((before < 0) | (row - before - 1 > limit) | (ratio > 5) | (ratio < 0.2))

    following = np.minimum.accumulate(np.where(bars.present, row, n_bars)[::-1], axis=0)[::-1]
    following = np.concatenate([following[1:], np.full((1, n_tokens), n_bars)])
    goes_on = (following < n_bars) & ~begins[np.minimum(following, n_bars - 1), column]
    ends = bars.present & ~goes_on
    segment_end = np.minimum.accumulate(np.where(ends, row, n_bars)[::-1], axis=0)[::-1]
    is_last = following >= n_bars  # no bar after this one: true of the segment end if its segment is the last
    end = np.minimum(segment_end, n_bars - 1)
    has_ended = (segment_end < n_bars) & (~is_last[end, column] | (n_bars - 1 - segment_end > limit))

    in_spine = (last >= 0) & (bars.present | goes_on)
    is_filled = in_spine & ~bars.present
    close = np.where(is_filled, bars.close[np.maximum(last, 0), column], bars.close)
    first = np.argmax(bars.present, axis=0)
    seasoned = row >= first + SEASONING_DAYS * bars.bars_per_day
    enters = bars.present & seasoned & (market.plan.sector >= 0)
    return Spine(bars.open, close, np.cumsum(is_filled, axis=0), enters, end, has_ended)


def forward_returns(path: Spine, horizon: int) -> np.ndarray:
    """Bar x token: the forward return of the window entered at each bar; NaN where not scored (section 5)."""
    n_bars, n_tokens = path.open.shape
    row = np.arange(n_bars)[:, None]
    scheduled = row + horizon - 1
    is_matured = scheduled <= path.segment_end
    is_truncated = ~is_matured & path.has_ended & (scheduled < n_bars)
    last = np.minimum(scheduled, path.segment_end)
    column = np.arange(n_tokens)[None, :]
    before = np.concatenate([np.zeros((1, n_tokens), int), path.filled[:-1]])
    n_filled = path.filled[last, column] - before
    usable = path.enters & (is_matured | is_truncated) & (n_filled <= 0.1 * (last - row + 1))
    return np.where(usable, path.close[last, column] / path.open - 1, np.nan)


@dataclass(frozen=True)
class Cell:
    """Sums over the scored calls of one cell of one market."""

    sector: str
    direction: str
    timeframe: Timeframe
    horizon: int
    entry_rule: str
    n_calls: int
    hits: float
    base: float  # base rate x calls
    n_matched: int
    selection: float  # sum of hit - base_hit


@dataclass(frozen=True)
class _Windows:
    """Bar x token: hits by direction, whether the window is scored, and whether it counts for the base rate."""

    hit: dict[int, np.ndarray]
    scored: np.ndarray
    base: np.ndarray  # scored and covered


def _windows(returns: np.ndarray, covered: np.ndarray) -> _Windows:
    scored = np.isfinite(returns)
    value = np.where(scored, returns, 0.0)
    hit = {1: scored & (value - COST > 0), -1: scored & (-value - COST > 0)}
    return _Windows(hit, scored, scored & covered)


def _matched_base(windows: _Windows, direction: int, sector: np.ndarray) -> np.ndarray:
    """Bar x token: share of hits among the sector's other covered tokens at the same bar, NaN below three tokens."""
    result = np.full(windows.scored.shape, np.nan)
    for index in range(int(sector.max()) + 1):
        members = np.flatnonzero(sector == index)
        in_base = windows.base[:, members]
        hits = windows.hit[direction][:, members] & in_base
        n_others = in_base.sum(axis=1, keepdims=True) - in_base
        other_hits = hits.sum(axis=1, keepdims=True) - hits
        result[:, members] = np.where(n_others >= _MIN_BASE, other_hits / np.maximum(n_others, 1), np.nan)
    return result


def _entries(called: np.ndarray, lag: int) -> np.ndarray:
    """The calls' directions, moved to the bars of their entries."""
    return np.concatenate([np.zeros((lag, called.shape[1]), called.dtype), called[:-lag]])


def _cell_sums(
    windows: _Windows,
    entered: np.ndarray,
    base_hit: dict[int, np.ndarray],
    members: np.ndarray,
    directions: tuple[int, ...],
) -> tuple[int, float, float, int, float]:
    """Calls, hits, base rate x calls, matched calls, sum of hit - base_hit."""
    taken = {d: (entered == d) & windows.scored & members for d in directions}
    bars = np.flatnonzero(np.logical_or.reduce([t.any(axis=1) for t in taken.values()]))
    if not bars.size:
        return 0, 0.0, 0.0, 0, 0.0
    span = slice(bars[0], bars[-1] + 1)
    in_base = windows.base[span] & members
    n_calls, hits, base, n_matched, selection = 0, 0.0, 0.0, 0, 0.0
    for d, mask in taken.items():
        n = int(mask.sum())
        hit, others = windows.hit[d][mask], base_hit[d][mask]
        matched = np.isfinite(others)
        n_calls += n
        hits += float(hit.sum())
        base += n * float(windows.hit[d][span][in_base].mean())
        n_matched += int(matched.sum())
        selection += float((hit - others)[matched].sum())
    return n_calls, hits, base, n_matched, selection


def cells(market: Market, timeframe: Timeframe, horizons: tuple[int, ...] | None = None) -> Iterator[Cell]:
    """The sums of every cell with a scored call: sector or `all` x direction x horizon x entry rule."""
    bars, sector = market.bars[timeframe], market.plan.sector
    path, called = spine(market, bars), calls(market, timeframe)
    rows = published_rows(market, bars)
    covered = np.maximum.accumulate(rows, axis=0)
    groups = {s.name: sector == i for i, s in enumerate(market.spec.sectors)} | {ALL: sector >= 0}
    for horizon in horizons or HORIZONS[timeframe]:
        windows = _windows(forward_returns(path, horizon), covered)
        base_hit = {d: _matched_base(windows, d, sector) for d in (1, -1)}
        for entry_rule, lag in ENTRY_LAG.items():
            entered = _entries(called, lag)
            for name, members in groups.items():
                for direction, ways in _DIRECTIONS.items():
                    sums = _cell_sums(windows, entered, base_hit, members, ways)
                    if sums[0]:
                        yield Cell(name, direction, timeframe, horizon, entry_rule, *sums)
