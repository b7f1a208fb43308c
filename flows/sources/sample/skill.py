"""The planted skill: the simulated vendor's calls, drawn independently of prices, and the drift that follows them.

The edge is planted as a drift: a call is made at a random moment, and from the next bar on the token drifts the
call's way (or against it, or not at all), less each bar, until the next call. So the edge is an expectation that
anybody could trade from the next open, without look-ahead. The same seed with and without edge has the same calls
and shocks, so that the difference between the two is the planted edge, nearly free of noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from flows.sources.sample.spec import DAYS_PER_YEAR, CallSpec, MarketSpec
from flows.sources.sample.tokens import TokenPlan

Timeframe = Literal["1d", "1h"]


@dataclass(frozen=True)
class Stances:
    """Bar x token: the vendor's stances. A side taken in a bar takes effect with the next one."""

    event: np.ndarray  # int8: the side taken in this bar, 0 where none
    after: np.ndarray  # int8: the side after the bar
    during: np.ndarray  # int8: the side during the bar
    age: np.ndarray  # int32: bars since the call that took `during`, this one included; huge before the first call


def _turn_chance(calls: CallSpec, n_bars: int, rng: np.random.Generator) -> np.ndarray:
    """Bar x (bearish to bullish, bullish to bearish): the chance to turn, higher in one direction on bunch days."""
    chance = np.full((n_bars, 2), 1.0 / (calls.mean_gap - calls.min_gap + 1))
    if calls.bunch_every:
        is_bunch = rng.random(n_bars) < 1.0 / calls.bunch_every
        way = rng.integers(0, 2, n_bars)
        bars = np.flatnonzero(is_bunch)
        chance[bars, way[bars]] = calls.bunch_pull
    return chance


def draw_stances(spec: MarketSpec, calls: CallSpec, timeframe: Timeframe, n_bars: int) -> Stances:
    """Sides per bar and token: tokens turn back and forth at random, at least `min_gap` bars apart."""
    chance = _turn_chance(calls, n_bars, spec.stream(f"bunches_{timeframe}"))
    rng = spec.stream(f"calls_{timeframe}")
    draws = np.ascontiguousarray(rng.random((spec.n_tokens, n_bars + 1)).T)
    side = np.where(draws[n_bars] < 0.5, -1, 1).astype(np.int8)
    age = np.full(spec.n_tokens, 1 << 20, dtype=np.int32)
    shape = (n_bars, spec.n_tokens)
    event, after, during = (np.zeros(shape, np.int8) for _ in range(3))
    ages = np.zeros(shape, np.int32)
    for bar in range(n_bars):
        during[bar], ages[bar] = side, age
        turns = (draws[bar] < chance[bar, (side > 0).astype(np.intp)]) & (age >= calls.min_gap)
        side = np.where(turns, -side, side)
        age = np.where(turns, np.int32(1), age + np.int32(1))
        event[bar], after[bar] = side * turns, side
    return Stances(event, after, during, ages)


def planted_drift(
    spec: MarketSpec, plan: TokenPlan, calls: CallSpec, stances: Stances, bars_per_day: int
) -> np.ndarray:
    """Bar x token: log return planted in the bar.

    Where one direction has more skill than the other, a sector's covered tokens would drift on average, which would
    move their base rate and hide part of the edge. So bars whose last call is older than `length` get an even drift
    the other way that makes the sector's mean zero, while fresh calls keep their planted drift.
    """
    points = np.array([(s.bearish_points, s.bullish_points) for s in spec.sectors] + [(0.0, 0.0)])
    first_day = spec.n_days - stances.during.shape[0] // bars_per_day
    day = first_day + np.arange(stances.during.shape[0])[:, None] // bars_per_day
    covered = plan.is_covered & (day >= plan.covered_from)
    fresh = covered & (stances.age <= calls.length)
    strength = np.where(stances.during > 0, points[plan.sector, 1], points[plan.sector, 0])
    vol = plan.total_vol(spec) / np.sqrt(DAYS_PER_YEAR * bars_per_day)
    drift: np.ndarray = stances.during * strength * calls.drift_per_bar()[np.where(fresh, stances.age, 0)] * vol
    for index in np.flatnonzero(points[:-1, 0] != points[:-1, 1]):
        stale = covered & ~fresh & (plan.sector == index)
        drift[stale] -= drift[:, plan.sector == index].sum() / max(stale.sum(), 1)
    return drift
