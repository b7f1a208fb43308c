"""The practical speed limit, in numba: the chain of window states of one segment at a time, in CPU cache."""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

N_STATES, N_HORIZONS, N_SUMS = 6, 5, 8
MIN_CLOSE, MAX_CLOSE, WORST, GIVE_BACK, LOWEST, HIGHEST = range(N_STATES)

_jit = nb.njit(cache=True, fastmath={"nnan", "ninf", "nsz", "reassoc"}, error_model="numpy")


@_jit
def _least(out: Floats, first: Floats, second: Floats) -> None:
    for i in range(len(out)):
        out[i] = first[i] if first[i] < second[i] else second[i]


@_jit
def _most(out: Floats, first: Floats, second: Floats) -> None:
    for i in range(len(out)):
        out[i] = first[i] if first[i] > second[i] else second[i]


@_jit
def _least_ratio(out: Floats, later: Floats, earlier: Floats) -> None:
    for i in range(len(out)):
        ratio = later[i] / earlier[i]
        out[i] = ratio if ratio < out[i] else out[i]


@_jit
def _most_gain(out: Floats, later: Floats, earlier: Floats) -> None:
    for i in range(len(out)):
        gain = later[i] - earlier[i]
        out[i] = gain if gain > out[i] else out[i]


@_jit
def _combine(out: Floats, first: Floats, second: Floats, shift: int, n: int) -> None:
    """Write the state of `first` at i followed by `second` at i + shift, for n bars; `out` may be `first`."""
    later = second[:, shift : shift + n]
    _least(out[WORST, :n], first[WORST, :n], later[WORST])
    _least_ratio(out[WORST, :n], later[MIN_CLOSE], first[MAX_CLOSE, :n])
    _most(out[GIVE_BACK, :n], first[GIVE_BACK, :n], later[GIVE_BACK])
    _most_gain(out[GIVE_BACK, :n], later[MAX_CLOSE], first[MIN_CLOSE, :n])
    _least(out[MIN_CLOSE, :n], first[MIN_CLOSE, :n], later[MIN_CLOSE])
    _most(out[MAX_CLOSE, :n], first[MAX_CLOSE, :n], later[MAX_CLOSE])
    _least(out[LOWEST, :n], first[LOWEST, :n], later[LOWEST])
    _most(out[HIGHEST, :n], first[HIGHEST, :n], later[HIGHEST])


@_jit
def _fold(sums: Floats, state: Floats, entry: Floats, exits: Floats, cost: float) -> None:
    """Complete each window's state of closes by its entry open, and add the window to the sums."""
    n = len(exits)
    up, down = 1 + cost, 1 - cost
    total = highest = lowest = worst = give_back = 0.0
    wins = losses = 0
    for i in range(n):
        price, leave = entry[i], exits[i]
        total += leave / price - 1
        highest += state[HIGHEST, i] / price - 1
        lowest += state[LOWEST, i] / price - 1
        from_entry = state[MIN_CLOSE, i] / price
        worst += (from_entry if from_entry < state[WORST, i] else state[WORST, i]) - 1
        gain = state[MAX_CLOSE, i] - price
        give_back -= (gain if gain > state[GIVE_BACK, i] else state[GIVE_BACK, i]) / price
        wins += leave > price * up
        losses += leave < price * down
    sums += np.array([n, total, highest, lowest, worst, give_back, wins, losses])


@_jit
def _aggregate_segment(sums: Floats, entry: Floats, high: Floats, low: Floats, close: Floats, cost: float) -> None:
    """Aggregate one segment: windows of 3, 7, 14, 15, 30 and 90 bars are combined from shorter ones (7 = 3+3+1)."""
    n = len(close)
    one, short, long = np.empty((N_STATES, n)), np.empty((N_STATES, n)), np.empty((N_STATES, n))
    one[MIN_CLOSE] = close
    one[MAX_CLOSE] = close
    one[WORST] = 1.0
    one[GIVE_BACK] = 0.0
    one[LOWEST] = low
    one[HIGHEST] = high
    _fold(sums[0], one, entry, close, cost)
    if n < 7:
        return
    _combine(short, one, one, 1, n - 1)
    _combine(short, short, one, 2, n - 2)
    _combine(long, short, short, 3, n - 5)
    _combine(long, long, one, 6, n - 6)
    _fold(sums[1], long, entry, close[6:], cost)
    if n < 14:
        return
    _combine(short, long, long, 7, n - 13)
    _fold(sums[2], short, entry, close[13:], cost)
    if n < 30:
        return
    _combine(short, short, one, 14, n - 14)
    _combine(long, short, short, 15, n - 29)
    _fold(sums[3], long, entry, close[29:], cost)
    if n < 90:
        return
    _combine(short, long, long, 30, n - 59)
    _combine(short, short, long, 60, n - 89)
    _fold(sums[4], short, entry, close[89:], cost)


@nb.njit(cache=True, parallel=True)
def aggregate_chain(
    starts: NDArray[np.int64], entry: Floats, high: Floats, low: Floats, close: Floats, cost: float
) -> Floats:
    """Aggregate all segments, in parallel: rows are horizons, columns the fields of `Aggregate`.

    `starts` holds the first bar of every segment and, last, the number of bars.
    """
    n_segments = len(starts) - 1
    sums = np.zeros((n_segments, N_HORIZONS, N_SUMS))
    for s in nb.prange(n_segments):
        a, b = starts[s], starts[s + 1]
        _aggregate_segment(sums[s], entry[a:b], high[a:b], low[a:b], close[a:b], cost)
    totals: Floats = sums.sum(axis=0)
    return totals
