"""The datasets that the simulated vendor publishes, and when each row became known.

Signals have the planted skill, and so, in part, has the `tm` grade; levels, the `fundamental` grade and quantmetrics
are computed from closed bars and have none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from flows.sources.sample.market import Bars, Market, constant_text, moments
from flows.sources.sample.skill import Stances, Timeframe
from flows.sources.sample.spec import DAY_US, DAYS_PER_YEAR, HOUR_US, VENDOR

_JUDGED_AFTER: dict[Timeframe, int] = {"1d": 7, "1h": 24}  # bars after which the vendor looks back at a call
_ROWS_AFTER_DEATH_DAYS = 10
_EVERY_DAYS = 7  # levels, fundamental grades and quantmetrics are weekly
_PIVOT_REACH, _LEVEL_LOOKBACK, _MAX_LEVELS = 5, 180, 12  # days, days, levels per token and day
_QUANT_LOOKBACK = 365  # days
_LABELS = ("Strong Sell", "Sell", "Neutral", "Buy", "Strong Buy")  # of the grade's fifths
_CLASSES = ("highRisk", "speculative", "emerging", "blueChip", "storeOfValue")

_MOMENT = pa.timestamp("us")
_EXTRAS_SCHEMAS = {
    "levels": pa.schema([
        ("vendor", pa.string()), ("token_id", pa.int64()), ("timeframe", pa.string()), ("level_at", _MOMENT),
        ("price", pa.float64()), ("side", pa.string()), ("strength", pa.float64()), ("formed_at", _MOMENT),
        ("known_at", _MOMENT),
    ]),
    "grades": pa.schema([
        ("vendor", pa.string()), ("token_id", pa.int64()), ("kind", pa.string()), ("graded_at", _MOMENT),
        ("grade", pa.float64()), ("label", pa.string()), ("components", pa.string()), ("known_at", _MOMENT),
    ]),
    "quantmetrics": pa.schema([
        ("vendor", pa.string()), ("token_id", pa.int64()), ("measured_at", _MOMENT), ("lookback", pa.int32()),
        ("sharpe", pa.float64()), ("sortino", pa.float64()), ("volatility", pa.float64()),
        ("max_drawdown", pa.float64()), ("cagr", pa.float64()), ("known_at", _MOMENT),
    ]),
}  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """Signal rows as flat columns: bar and token are indices, `known_us` microseconds since the epoch."""

    bar: np.ndarray
    token: np.ndarray
    direction: np.ndarray
    trend: np.ndarray
    score: np.ndarray
    known_us: np.ndarray

    def take(self, index: np.ndarray) -> Rows:
        """The rows at `index`."""
        return Rows(*(getattr(self, f.name)[index] for f in fields(self)))

    def joined(self, other: Rows) -> Rows:
        """These rows and the others, by token, bar and the moment they became known."""
        both = Rows(*(np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)))
        return both.take(np.lexsort((both.known_us, both.bar, both.token)))


def published_rows(market: Market, bars: Bars) -> np.ndarray:
    """Bar x token: whether the vendor publishes a row: covered, trading or recently dead, and not missing at random."""
    spec, plan, per_day = market.spec, market.plan, bars.bars_per_day
    first_day = spec.n_days - bars.start_us.size // per_day
    trades = plan.trades_on(spec.n_days + _ROWS_AFTER_DEATH_DAYS)
    day = np.arange(spec.n_days)[:, None]
    lingers = (day >= plan.dead) & (day < plan.dead + _ROWS_AFTER_DEATH_DAYS)
    covered = plan.is_covered & (day >= plan.covered_from) & (trades[: spec.n_days] | lingers)
    rows = np.repeat(covered[first_day:], per_day, axis=0)
    if spec.frictions.missing_row_share:
        forgotten = spec.stream(f"desk_{bars.timeframe}").random(rows.shape) < spec.frictions.missing_row_share
        rows &= ~forgotten | (market.stances[bars.timeframe].event != 0)
    return rows


def calls(market: Market, timeframe: Timeframe) -> np.ndarray:
    """Bar x token: the direction of each call the vendor published (revision 0, by the contract), else 0.

    A token's first row is no call, because the side before it is unknown; nor is a row with the side of the row
    before it, as after two turns within a halt.
    """
    stances = market.stances[timeframe]
    rows = published_rows(market, market.bars[timeframe])
    newest = np.maximum.accumulate(np.where(rows, np.arange(rows.shape[0])[:, None], -1), axis=0)
    before = np.concatenate([np.full((1, rows.shape[1]), -1), newest[:-1]])
    side_before = np.take_along_axis(stances.after, np.maximum(before, 0), axis=0)
    result: np.ndarray = np.where(rows & (before >= 0) & (stances.event != side_before), stances.event, 0)
    return result


def _known_us(market: Market, bars: Bars, bar: np.ndarray) -> np.ndarray:
    """When rows became known: hours (1d) or minutes (1h) after the bar's close, days or hours for late rows."""
    rng = market.spec.stream(f"known_{bars.timeframe}")
    usual = np.minimum(0.06 + 0.05 * rng.gamma(2.0, 1.0, bar.size), 0.8)  # of a bar
    is_late = rng.random(bar.size) < market.spec.frictions.late_known_share
    late = rng.uniform(2.0, 9.0, bar.size) if bars.timeframe == "1d" else rng.uniform(3.0, 48.0, bar.size)
    delay = np.where(is_late, late, usual) * bars.length_us
    second = 1_000_000
    known: np.ndarray = bars.start_us[bar] + bars.length_us + np.rint(delay / second).astype(np.int64) * second
    return known


def _scores(stances: Stances, bar: np.ndarray, token: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Scores of 0 to 100: far from 50 just after a call, nearer as it ages."""
    age = np.where(stances.event[bar, token] != 0, 0, np.minimum(stances.age[bar, token], 60))
    lean = stances.after[bar, token] * (8 + 30 * np.exp(-age / 12))
    scores: np.ndarray = np.round(np.clip(50 + lean + rng.normal(0, 6, bar.size), 0, 100), 2)
    return scores


def _outcomes(bars: Bars, bar: np.ndarray, token: np.ndarray) -> np.ndarray:
    """Log return from the next open to the bar at which the vendor revises a call, NaN where that lies ahead."""
    ahead = _JUDGED_AFTER[bars.timeframe]
    there = bar + ahead < bars.start_us.size
    entry, last = np.where(there, bar + 1, 0), np.where(there, bar + ahead, 0)
    there &= bars.present[entry, token] & bars.present[last, token]
    result: np.ndarray = np.where(there, np.log(bars.close[last, token] / bars.open[entry, token]), np.nan)
    return result


def _revised(market: Market, bars: Bars, rows: Rows) -> Rows:
    """Later versions of past rows, all flattering the vendor.

    A `revised_share` of the calls, all misses, is turned to the other side (and so vanishes as calls); as many rows
    without a call become a call that was right; the same share of the other rows gets a better score.
    """
    rng, share = market.spec.stream(f"revisions_{bars.timeframe}"), market.spec.frictions.revised_share
    outcome = _outcomes(bars, rows.bar, rows.token)
    first = np.concatenate([[True], rows.token[1:] != rows.token[:-1]])
    usable = np.isfinite(outcome) & ~first & (np.abs(outcome) < 1)
    is_call = rows.direction != 0
    n = math.ceil(share * int((is_call & usable).sum()))
    big = np.abs(outcome) > np.nanmedian(np.abs(outcome[usable]))
    misses = rng.permutation(np.flatnonzero(usable & is_call & (rows.direction * outcome < 0)))[:n]
    inventable = usable & ~is_call & big & (rows.trend * outcome < 0)
    invented = rng.permutation(np.flatnonzero(inventable))[:n]
    scored = rng.permutation(np.flatnonzero(usable & ~is_call))
    scored = np.setdiff1d(scored[: int(share * scored.size)], invented)

    way = np.sign(outcome)
    index = np.concatenate([misses, invented, scored])
    is_turned = np.arange(index.size) < misses.size + invented.size
    old = rows.take(index)
    side = np.where(is_turned, way[index], 0).astype(np.int8)
    looked_back = bars.start_us[old.bar] + (_JUDGED_AFTER[bars.timeframe] + 1) * bars.length_us
    wait = (rng.uniform(0.5, 20.0, index.size) * bars.length_us / 1e6).astype(np.int64) * 1_000_000
    return Rows(
        old.bar,
        old.token,
        np.where(is_turned, side, old.direction),
        np.where(is_turned, side, old.trend),
        np.round(np.clip(old.score + way[index] * rng.uniform(5, 25, index.size), 0, 100), 2),
        np.maximum(looked_back, old.known_us) + wait,
    )


def signal_rows(market: Market, timeframe: Timeframe) -> Rows:
    """All versions of all signal rows of one timeframe, by token, bar and the moment they became known."""
    bars, stances = market.bars[timeframe], market.stances[timeframe]
    token, bar = np.nonzero(np.ascontiguousarray(published_rows(market, bars).T))
    score_rng = market.spec.stream(f"scores_{timeframe}")
    first = np.concatenate([[True], token[1:] != token[:-1]])
    rows = Rows(
        bar,
        token,
        np.where(first, 0, stances.event[bar, token]).astype(np.int8),
        stances.after[bar, token],
        _scores(stances, bar, token, score_rng),
        _known_us(market, bars, bar),
    )
    return rows.joined(_revised(market, bars, rows)) if market.spec.frictions.revised_share else rows


def signal_table(market: Market) -> pa.Table:
    """The `signals` dataset, sorted by timeframe, token, moment, version."""
    return pa.concat_tables([_signal_columns(market, timeframe) for timeframe in market.stances])


def _signal_columns(market: Market, timeframe: Timeframe) -> pa.Table:
    rows = signal_rows(market, timeframe)
    return pa.table({
        "vendor": constant_text(VENDOR, rows.bar.size),
        "token_id": pa.array(market.plan.ids[rows.token]),
        "timeframe": constant_text(timeframe, rows.bar.size),
        "signal_at": moments(market.bars[timeframe].start_us[rows.bar]),
        "direction": pa.array(rows.direction),
        "trend": pa.array(rows.trend),
        "score": pa.array(rows.score),
        "known_at": moments(rows.known_us),
    })  # fmt: skip


def _weeks(market: Market) -> np.ndarray:
    """The days on which weekly datasets are published, counted back from the last day."""
    return np.arange(market.spec.n_days - 1, _EVERY_DAYS, -_EVERY_DAYS)[::-1]


def _known_after_close(day_start_us: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    seconds = rng.integers(2 * 3600, 9 * 3600, day_start_us.size)
    known: np.ndarray = day_start_us + DAY_US + seconds * 1_000_000
    return known


def _pivots(bars: Bars, token: int) -> tuple[np.ndarray, np.ndarray]:
    """Days and prices of a token's swing highs and lows: the extreme of five bars on either side."""
    days = np.flatnonzero(bars.present[:, token])
    width = 2 * _PIVOT_REACH + 1
    if days.size < width:
        return np.empty(0, int), np.empty(0)
    found, price = [], []
    for values, pick in ((bars.high[days, token], np.max), (bars.low[days, token], np.min)):
        at = np.flatnonzero(
            values[_PIVOT_REACH:-_PIVOT_REACH] == pick(np.lib.stride_tricks.sliding_window_view(values, width), axis=1)
        )
        found.append(days[at + _PIVOT_REACH])
        price.append(values[at + _PIVOT_REACH])
    order = np.argsort(np.concatenate(found), kind="stable")
    return np.concatenate(found)[order], np.concatenate(price)[order]


def level_table(market: Market) -> pa.Table:
    """The `levels` dataset: weekly, the newest swing points, without side or strength."""
    bars, plan = market.bars["1d"], market.plan
    publishes = published_rows(market, bars)
    chunks: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    for token in np.flatnonzero(plan.is_covered):
        formed, price = _pivots(bars, int(token))
        rescaled = plan.redenominated[token]  # levels of the old scale are dropped with it
        for day in _weeks(market)[publishes[_weeks(market), token]]:
            oldest = max(day - _LEVEL_LOOKBACK, rescaled if day >= rescaled else 0)
            pick = np.flatnonzero((formed + _PIVOT_REACH <= day) & (formed >= oldest))[-_MAX_LEVELS:]
            chunks.append((np.full(pick.size, token), np.full(pick.size, day), price[pick], formed[pick]))
    token_, day_, price_, formed_ = (np.concatenate(parts) for parts in zip(*chunks, strict=True))
    level_at = bars.start_us[day_]
    # One known_at per token and day, because levels of one snapshot become known together.
    known = _known_after_close(bars.start_us, market.spec.stream("levels"))[day_]
    table = pa.table({
        "vendor": constant_text(VENDOR, token_.size),
        "token_id": pa.array(plan.ids[token_]),
        "timeframe": constant_text("1d", token_.size),
        "level_at": moments(level_at),
        "price": pa.array(price_),
        "side": pa.nulls(token_.size, pa.string()),
        "strength": pa.nulls(token_.size, pa.float64()),
        "formed_at": moments(bars.start_us[formed_]),
        "known_at": moments(known),
    })  # fmt: skip
    return _first_of_each(table, ("token_id", "timeframe", "level_at", "price"))


def _first_of_each(table: pa.Table, key: tuple[str, ...]) -> pa.Table:
    """One row per key, sorted by it, because two swing points may have the same price."""
    ordered = table.sort_by([(name, "ascending") for name in key])
    same = np.ones(max(ordered.num_rows - 1, 0), dtype=bool)
    for name in key:
        column = ordered[name].combine_chunks()
        same &= pc.equal(column[1:], column[:-1]).to_numpy(zero_copy_only=False)
    return ordered.filter(pa.array(np.concatenate([[True], ~same]))) if ordered.num_rows else ordered


def _day_returns(bars: Bars) -> np.ndarray:
    """Day x token: simple close-to-close returns, NaN over gaps and redenominations."""
    ratio = bars.close[1:] / bars.close[:-1]
    usable = bars.present[1:] & bars.present[:-1] & (ratio < 5) & (ratio > 0.2)
    return np.concatenate([np.full((1, ratio.shape[1]), np.nan), np.where(usable, ratio - 1, np.nan)])


def _trailing_sum(values: np.ndarray, days: int) -> np.ndarray:
    total = np.cumsum(np.nan_to_num(values), axis=0)
    total[days:] = total[days:] - total[:-days]
    return total


def _grade_parts(market: Market) -> tuple[np.ndarray, np.ndarray]:
    """Day x token: technical grade (momentum and the stance) and quant grade (quarter's Sharpe), 0-100."""
    returns, stances = np.log1p(_day_returns(market.bars["1d"])), market.stances["1d"]
    vol = market.plan.total_vol(market.spec) / math.sqrt(DAYS_PER_YEAR)
    lean = stances.after * np.exp(-np.where(stances.event != 0, 0, stances.age) / 15.0)
    momentum = _trailing_sum(returns, 14) / (vol * math.sqrt(14))
    technical = 100 / (1 + np.exp(-(0.6 * momentum + 1.2 * lean)))
    quant = 100 / (1 + np.exp(-0.8 * _trailing_sum(returns, 90) / (vol * math.sqrt(90))))
    return np.round(technical, 2), np.round(quant, 2)


def _label(grade: np.ndarray, labels: tuple[str, ...]) -> pa.Array:
    fifth = np.minimum(grade / 20, 4).astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(fifth), list(labels)).cast(pa.string())


def _grade_columns(
    market: Market, kind: str, at: tuple[np.ndarray, np.ndarray], grade: np.ndarray, labels: tuple[str, ...],
    components: list[str],
) -> pa.Table:  # fmt: skip
    token, day = at
    start = market.bars["1d"].start_us
    rng = market.spec.stream(f"grades_{kind}")
    return pa.table({
        "vendor": constant_text(VENDOR, token.size),
        "token_id": pa.array(market.plan.ids[token]),
        "kind": constant_text(kind, token.size),
        "graded_at": moments(start[day]),
        "grade": pa.array(grade),
        "label": _label(grade, labels),
        "components": pa.array(components, pa.string()),
        "known_at": moments(_known_after_close(start[day], rng)),
    })  # fmt: skip


def grade_table(market: Market) -> pa.Table:
    """The `grades` dataset: `tm` daily (0.8 technical + 0.2 quant), `fundamental` weekly, no skill."""
    publishes = np.ascontiguousarray(published_rows(market, market.bars["1d"]).T)
    token, day = np.nonzero(publishes)
    technical, quant = (part[day, token] for part in _grade_parts(market))
    parts = [
        f'{{"ta_grade": {t}, "quant_grade": {q}}}' for t, q in zip(technical.tolist(), quant.tolist(), strict=True)
    ]
    tm = _grade_columns(market, "tm", (token, day), np.round(0.8 * technical + 0.2 * quant, 2), _LABELS, parts)

    rng = market.spec.stream("fundamentals")
    steps = rng.normal(0, 1.2, publishes.shape)
    steps[:, 0] = rng.normal(52, 15, publishes.shape[0])
    weekly = np.zeros_like(publishes)
    weekly[:, _weeks(market)] = publishes[:, _weeks(market)]
    token, day = np.nonzero(weekly)
    grade = np.round(np.clip(np.cumsum(steps, axis=1)[token, day], 1, 99), 2)
    community = np.round(np.clip(grade / 10 + rng.normal(0, 1, grade.size), 0, 10), 2)
    parts = [f'{{"community_score": {c}, "vc_score": null}}' for c in community.tolist()]
    return pa.concat_tables([tm, _grade_columns(market, "fundamental", (token, day), grade, _CLASSES, parts)])


def _ratios(returns: np.ndarray) -> dict[str, np.ndarray]:
    """Per token, from simple daily returns: risk-free rate 0, sample deviation, year of 365 days."""
    there = np.isfinite(returns)
    n = there.sum(axis=0)
    filled = np.where(there, returns, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = filled.sum(axis=0) / n
        deviation = np.sqrt(np.where(there, (returns - mean) ** 2, 0.0).sum(axis=0) / (n - 1))
        downside = np.sqrt((np.minimum(filled, 0.0) ** 2).sum(axis=0) / n)
        equity = np.concatenate([np.ones((1, returns.shape[1])), np.cumprod(1 + filled, axis=0)])
        values = {
            "sharpe": mean / deviation * math.sqrt(DAYS_PER_YEAR),
            "sortino": mean / downside * math.sqrt(DAYS_PER_YEAR),
            "volatility": deviation * math.sqrt(DAYS_PER_YEAR),
            "max_drawdown": (equity / np.maximum.accumulate(equity, axis=0) - 1).min(axis=0),
            "cagr": equity[-1] ** (DAYS_PER_YEAR / n) - 1,
        }
    return {name: np.where(n >= 20, np.round(value, 2), np.nan) for name, value in values.items()}


def quantmetric_table(market: Market) -> pa.Table:
    """The `quantmetrics` dataset: weekly, over 365 days and all time (lookback NULL); a tenth is empty."""
    bars = market.bars["1d"]
    returns, publishes = _day_returns(bars), published_rows(market, bars)
    rng = market.spec.stream("quantmetrics")
    chunks: list[pa.Table] = []
    for day in _weeks(market):
        tokens = np.flatnonzero(publishes[day])
        for lookback in (_QUANT_LOOKBACK, None):
            window = returns[max(0, day + 1 - lookback) if lookback else 0 : day + 1, tokens]
            empty = rng.random(tokens.size) < 0.1
            ratios = {name: np.where(empty, np.nan, value) for name, value in _ratios(window).items()}
            start = np.full(tokens.size, bars.start_us[day])
            chunks.append(pa.table({
                "vendor": constant_text(VENDOR, tokens.size),
                "token_id": pa.array(market.plan.ids[tokens]),
                "measured_at": moments(start),
                "lookback": pa.array([lookback] * tokens.size, pa.int32()),
                **{name: pa.array(value, from_pandas=True) for name, value in ratios.items()},
                "known_at": moments(np.full(tokens.size, bars.start_us[day] + DAY_US + 3 * HOUR_US)),
            }))  # fmt: skip
    return pa.concat_tables(chunks).sort_by(
        [("token_id", "ascending"), ("lookback", "ascending"), ("measured_at", "ascending")]
    )


def extra_tables(market: Market) -> dict[str, pa.Table]:
    """Levels, grades and quantmetrics; empty where the market has none."""
    if not market.spec.has_extras:
        return {name: schema.empty_table() for name, schema in _EXTRAS_SCHEMAS.items()}
    return {
        "levels": level_table(market),
        "grades": grade_table(market),
        "quantmetrics": quantmetric_table(market),
    }
