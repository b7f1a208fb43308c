"""What the simulated vendor knows: its calls, drawn apart from prices, and the drift they announce.

The edge is planted as a drift, not as a peek at the future: a call is made at a moment drawn without looking
at prices, and from the next bar on the token drifts the call's way (or against it, or not at all), less each
bar, until the next call. The edge is so an expectation that anybody could trade from the next open, nothing
is leaked from one realised path, and the same seed with and without edge has the same calls and the same
shocks, which makes the difference between the two the planted edge, nearly free of noise.
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
    """Bar x token. What is decided in a bar takes effect with the next one."""

    event: np.ndarray  # int8: the side taken in this bar, 0 where none
    after: np.ndarray  # int8: the side held once the bar is over
    held: np.ndarray  # int8: the side held during the bar
    age: np.ndarray  # int32: bars since the call behind `held`, this one included; huge before the first call


def _turn_chance(calls: CallSpec, n_bars: int, rng: np.random.Generator) -> np.ndarray:
    """Bar x (bearish to bullish, bullish to bearish): the chance to turn; higher, one way, in bunches."""
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
    event, after, held = (np.zeros(shape, np.int8) for _ in range(3))
    ages = np.zeros(shape, np.int32)
    for bar in range(n_bars):
        held[bar], ages[bar] = side, age
        turns = (draws[bar] < chance[bar, (side > 0).astype(np.intp)]) & (age >= calls.min_gap)
        side = np.where(turns, -side, side)
        age = np.where(turns, np.int32(1), age + np.int32(1))
        event[bar], after[bar] = side * turns, side
    return Stances(event, after, held, ages)


def planted_drift(
    spec: MarketSpec, plan: TokenPlan, calls: CallSpec, stances: Stances, bars_per_day: int
) -> np.ndarray:
    """Bar x token: log return planted in the bar.

    Where one direction has more skill than the other, a sector's covered tokens would drift on the whole,
    lift their own base rate and hide part of the edge. The bars on which the last call has gone stale (older
    than `length`) take the drift back, evenly, so that the sector's mean is zero and fresh calls keep what is
    planted.
    """
    points = np.array([(s.bearish_points, s.bullish_points) for s in spec.sectors] + [(0.0, 0.0)])
    first_day = spec.n_days - stances.held.shape[0] // bars_per_day
    day = first_day + np.arange(stances.held.shape[0])[:, None] // bars_per_day
    covered = plan.is_covered & (day >= plan.covered_from)
    fresh = covered & (stances.age <= calls.length)
    strength = np.where(stances.held > 0, points[plan.sector, 1], points[plan.sector, 0])
    vol = plan.total_vol(spec) / np.sqrt(DAYS_PER_YEAR * bars_per_day)
    drift: np.ndarray = stances.held * strength * calls.drift_per_bar()[np.where(fresh, stances.age, 0)] * vol
    for index in np.flatnonzero(points[:-1, 0] != points[:-1, 1]):
        stale = covered & ~fresh & (plan.sector == index)
        drift[stale] -= drift[:, plan.sector == index].sum() / max(stale.sum(), 1)
    return drift
