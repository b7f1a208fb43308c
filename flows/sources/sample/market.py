"""Simulated prices: one factor model on one grid of bars, daily first, hourly for the last days.

The log return of a bar is market factor + sector factor + own shock + planted drift, every shock Student-t,
scaled by a volatility that clusters. The daily bars of the hourly days are aggregated from the hourly ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from flows.sources.sample.skill import Stances, Timeframe, draw_stances, planted_drift
from flows.sources.sample.spec import DAY_US, DAYS_PER_YEAR, HOUR_US, PRICE_SOURCE, MarketSpec
from flows.sources.sample.tokens import TokenPlan, plan_tokens

SIGNIFICANT_DIGITS = 6
_PUMP = (0.45, 0.30, 0.20, 0.10, 0.05, -0.05)  # log drift on the days after listing
_CRASH = (-0.15, -0.25, -0.35, -0.45)  # log drift on the last days before death
_GAP = 0.0002  # standard deviation of the log gap between a close and the next open
_PEG_NOISE = 0.0006  # standard deviation of a pegged price around its peg


@dataclass(frozen=True)
class Bars:
    """Bars of one timeframe, bar x token. Prices in USD, valid only where `present`."""

    timeframe: Timeframe
    start_us: np.ndarray  # bar starts, microseconds since the epoch
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray  # whole USD
    present: np.ndarray

    @property
    def bars_per_day(self) -> int:
        """24 or 1."""
        return 24 if self.timeframe == "1h" else 1

    @property
    def length_us(self) -> int:
        """Microseconds a bar covers."""
        return DAY_US // self.bars_per_day


@dataclass(frozen=True)
class Market:
    """One drawn market: the tokens, the vendor's stances, and the bars by timeframe."""

    spec: MarketSpec
    plan: TokenPlan
    bars: dict[Timeframe, Bars]
    stances: dict[Timeframe, Stances]


@dataclass(frozen=True)
class _Grid:
    """The bars that prices are drawn on: `n_coarse` daily bars, then hourly ones."""

    day: np.ndarray  # day of each bar
    years: np.ndarray  # length of each bar in years, as a column
    n_coarse: int


def _grid(spec: MarketSpec) -> _Grid:
    n_coarse = spec.n_days - spec.hourly_days
    day = np.concatenate([np.arange(n_coarse), np.repeat(np.arange(n_coarse, spec.n_days), 24)])
    length = np.where(np.arange(day.size) < n_coarse, 1.0, 1 / 24) / DAYS_PER_YEAR
    return _Grid(day, length[:, None], n_coarse)


def _volatility_by_day(spec: MarketSpec) -> np.ndarray:
    """Day x (market, tokens...): the factor on volatility, mean square 1; correlated between tokens and market."""
    if not spec.vol_clustering:
        return np.ones((spec.n_days, spec.n_tokens + 1))
    memory = 0.97
    noise = spec.stream("volatility").standard_normal((spec.n_tokens + 1, spec.n_days)).T
    noise *= spec.vol_clustering
    level = noise[0].copy()
    out = np.empty_like(noise)
    for day in range(spec.n_days):
        level = memory * level + math.sqrt(1 - memory**2) * noise[day]
        out[day] = level
    out[:, 1:] = 0.7 * out[:, :1] + math.sqrt(1 - 0.49) * out[:, 1:]
    factor: np.ndarray = np.exp(out - spec.vol_clustering**2)
    return factor


def _returns(spec: MarketSpec, plan: TokenPlan, grid: _Grid, planted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bar x token: log returns from open to close, and their conditional standard deviations."""
    n_bars, n = grid.day.size, spec.n_tokens
    vol = _volatility_by_day(spec)[grid.day]
    root = np.sqrt(grid.years)
    market = spec.shocks(spec.stream("market"), (n_bars, 1)) * spec.market_vol * vol[:, :1]
    sectors = spec.shocks(spec.stream("sector"), (len(spec.sectors) + 1, n_bars)).T * spec.sector_vol * vol[:, :1]
    own = spec.shocks(spec.stream("idiosyncratic"), (n, n_bars)).T * plan.idiosyncratic_vol * vol[:, 1:]
    returns = (market * plan.beta + sectors[:, plan.sector] + own) * root + spec.drift_per_year * grid.years + planted
    spread = np.sqrt(
        (plan.beta * spec.market_vol * vol[:, :1]) ** 2
        + (spec.sector_vol * vol[:, :1]) ** 2
        + (plan.idiosyncratic_vol * vol[:, 1:]) ** 2
    )
    return returns, spread * root


def _add_fates(spec: MarketSpec, plan: TokenPlan, grid: _Grid, returns: np.ndarray) -> None:
    """Add the rise after a listing and the fall before a token's death, spread over the bars of those days."""
    fates = np.zeros((spec.n_days, spec.n_tokens))
    for token in np.flatnonzero(plan.listed > 0):
        fates[plan.listed[token] :, token][: len(_PUMP)] += _PUMP
    for token in np.flatnonzero(plan.dead < spec.n_days):
        fates[plan.dead[token] - len(_CRASH) : plan.dead[token], token] += _CRASH
    returns += fates[grid.day] * grid.years * DAYS_PER_YEAR


def _peg(spec: MarketSpec, plan: TokenPlan, returns: np.ndarray, spread: np.ndarray) -> None:
    """Set the returns of pegged tokens: stablecoins stay near 1 USD, wrapped tokens near their twin's price."""
    pegged = np.flatnonzero(plan.sector < 0)
    noise = spec.stream("pegged").standard_normal((pegged.size, returns.shape[0])).T * _PEG_NOISE
    steps = np.diff(noise, axis=0, prepend=0.0)
    twin = plan.twin_of[pegged]
    returns[:, pegged] = steps + np.where(twin >= 0, returns[:, twin], 0.0)
    spread[:, pegged] = _PEG_NOISE + np.where(twin >= 0, spread[:, twin], 0.0)


def rounded(price: np.ndarray) -> np.ndarray:
    """Prices to six significant digits; never changes the order of two prices."""
    decimals = SIGNIFICANT_DIGITS - 1 - np.floor(np.log10(price))
    up, down = 10.0 ** np.maximum(decimals, 0), 10.0 ** np.maximum(-decimals, 0)
    result: np.ndarray = np.rint(price * up / down) * down / up
    return result


def _extreme(rng: np.random.Generator, move: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """The highest log price of each bar above its open, drawn for a Brownian bridge that moves by `move`."""
    draw = 1.0 - rng.random(move.shape[::-1]).T
    top: np.ndarray = 0.5 * (move + np.sqrt(move**2 - 2 * spread**2 * np.log(draw)))
    return top


def _draw_bars(spec: MarketSpec, plan: TokenPlan, grid: _Grid, planted: np.ndarray) -> list[np.ndarray]:
    """Open, high, low, close, volume on the grid, before bars are removed as missing."""
    returns, spread = _returns(spec, plan, grid, planted)
    _add_fates(spec, plan, grid, returns)
    if spec.n_pegged:
        _peg(spec, plan, returns, spread)
    shape = returns.shape[::-1]
    gap = _GAP * spec.stream("gap").standard_normal(shape).T * np.sqrt(grid.years * DAYS_PER_YEAR)
    gap[:, plan.is_stable] = 0.0
    path = np.cumsum(returns + gap, axis=0)
    opened = np.exp(path - returns) * plan.start_price
    closed = np.exp(path) * plan.start_price
    high = opened * np.exp(_extreme(spec.stream("high"), returns, spread))
    low = opened * np.exp(-_extreme(spec.stream("low"), -returns, spread))
    scale = np.where(grid.day[:, None] >= plan.redenominated, plan.scale, 1.0)
    opened, high, low, closed = (rounded(price * scale) for price in (opened, high, low, closed))

    rng = spec.stream("volume")
    usual = 10.0 ** rng.uniform(5.5, 9.0, spec.n_tokens) * grid.years * DAYS_PER_YEAR
    busy = 0.35 * rng.standard_normal(shape).T + 0.5 * np.minimum(np.abs(returns) / spread, 4.0)
    volume = np.rint(usual * np.exp(busy))
    high = np.maximum(high, np.maximum(opened, closed))
    low = np.minimum(low, np.minimum(opened, closed))
    return [opened, high, low, closed, volume]


def _by_day(values: np.ndarray) -> np.ndarray:
    """Day x hour x token."""
    return values.reshape(-1, 24, values.shape[1])


def _aggregate(hourly: Bars) -> tuple[list[np.ndarray], np.ndarray]:
    """Daily open, high, low, close, volume from the hourly bars present, and which days have any."""
    there = _by_day(hourly.present)
    first = there.argmax(axis=1)[:, None]
    last = 23 - there[:, ::-1].argmax(axis=1)[:, None]
    columns = [
        np.take_along_axis(_by_day(hourly.open), first, axis=1)[:, 0],
        np.where(there, _by_day(hourly.high), -np.inf).max(axis=1),
        np.where(there, _by_day(hourly.low), np.inf).min(axis=1),
        np.take_along_axis(_by_day(hourly.close), last, axis=1)[:, 0],
        np.where(there, _by_day(hourly.volume), 0.0).sum(axis=1),
    ]
    return columns, np.asarray(there.any(axis=1))


def _as_bars(timeframe: Timeframe, start_us: np.ndarray, columns: Sequence[np.ndarray], present: np.ndarray) -> Bars:
    opened, high, low, close, volume = columns
    return Bars(timeframe, start_us, opened, high, low, close, volume, present)


def _not_missing(spec: MarketSpec, stream: str, n_bars: int) -> np.ndarray:
    if not spec.frictions.missing_bar_share:
        return np.ones((n_bars, spec.n_tokens), dtype=bool)
    draws = spec.stream(stream).random((spec.n_tokens, n_bars)).T
    return draws >= spec.frictions.missing_bar_share


def _bars(spec: MarketSpec, plan: TokenPlan, grid: _Grid, planted: np.ndarray) -> dict[Timeframe, Bars]:
    """The bars of both timeframes, without those before listing, in halts, after death, and missing at random."""
    columns = _draw_bars(spec, plan, grid, planted)
    trades = plan.trades_on(spec.n_days)
    keep = trades & _not_missing(spec, "missing", spec.n_days)
    start = spec.first_day_us + DAY_US * np.arange(spec.n_days)
    if not spec.hourly_days:
        return {"1d": _as_bars("1d", start, columns, keep)}
    cut = grid.n_coarse
    hours = np.arange(spec.hourly_days * 24)
    trades_hourly = trades[grid.day[cut:]] & _not_missing(spec, "missing_1h", hours.size)
    recent = [column[cut:] for column in columns]
    hourly = _as_bars("1h", start[cut] + HOUR_US * hours, recent, trades_hourly)
    by_day, any_hour = _aggregate(hourly)
    joined = [np.concatenate([old[:cut], new]) for old, new in zip(columns, by_day, strict=True)]
    keep[cut:] &= any_hour
    return {"1d": _as_bars("1d", start, joined, keep), "1h": hourly}


def draw_market(spec: MarketSpec) -> Market:
    """Draw tokens, calls and prices; calls first, because the planted drift of prices follows them."""
    plan, grid = plan_tokens(spec), _grid(spec)
    daily = draw_stances(spec, spec.daily_calls, "1d", spec.n_days)
    stances: dict[Timeframe, Stances] = {"1d": daily}
    planted = planted_drift(spec, plan, spec.daily_calls, daily, 1)[grid.day] * grid.years * DAYS_PER_YEAR
    if spec.hourly_calls is not None and spec.hourly_days:
        hourly = draw_stances(spec, spec.hourly_calls, "1h", spec.hourly_days * 24)
        stances["1h"] = hourly
        planted[grid.n_coarse :] += _hourly_drift(spec, plan, hourly)
    return Market(spec, plan, _bars(spec, plan, grid, planted), stances)


def _hourly_drift(spec: MarketSpec, plan: TokenPlan, stances: Stances) -> np.ndarray:
    assert spec.hourly_calls is not None
    return planted_drift(spec, plan, spec.hourly_calls, stances, 24)


def price_table(market: Market) -> pa.Table:
    """The `prices` dataset, sorted by timeframe, token, bar."""
    return pa.concat_tables([_price_rows(market, bars) for bars in market.bars.values()])


def _price_rows(market: Market, bars: Bars) -> pa.Table:
    there = np.ascontiguousarray(bars.present.T)
    token, bar = np.nonzero(there)
    columns = {
        "token_id": pa.array(market.plan.ids[token]),
        "timeframe": constant_text(bars.timeframe, token.size),
        "bar_start": moments(bars.start_us[bar]),
        **{name: pa.array(getattr(bars, name)[bar, token]) for name in ("open", "high", "low", "close")},
        "volume_usd": pa.array(bars.volume[bar, token]),
        "price_source": constant_text(PRICE_SOURCE, token.size),
    }
    return pa.table(columns)


def constant_text(value: str, size: int) -> pa.Array:
    """A text column of one value."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(size, np.int32)), [value]).cast(pa.string())


def moments(microseconds: np.ndarray) -> pa.Array:
    """A timestamp column without zone (UTC)."""
    return pa.array(microseconds.astype("datetime64[us]"))
