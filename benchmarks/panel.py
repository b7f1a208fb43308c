"""The benchmarks' panel, drawn from a seed: a folder in the format of the `files` source, and its spine.

Everything is drawn as (token, bar) matrices, so ten years of 2,000 tokens take seconds. Prices move with
one market factor, one factor per sector and their own noise; some tokens list late, a few die, a few have
gaps (short ones the spine fills, long ones that end a segment) and a few are redenominated.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

END = np.datetime64("2026-11-01T00:00:00", "us")
"""The moment the last bar ends, fixed so that the same arguments always write the same bytes."""

BAR = {"1h": np.timedelta64(3_600, "s"), "1d": np.timedelta64(86_400, "s")}

CATEGORIES = (
    "layer-1",
    "layer-2",
    "layer-0-l0",
    "decentralized-finance-defi",
    "decentralized-exchange",
    "lending-borrowing",
    "yield-farming",
    "liquid-staking",
    "meme-token",
    "gaming",
    "artificial-intelligence",
    "real-world-assets-rwa",
    "oracle",
    "infrastructure",
    "storage",
    "privacy-coins",
    "exchange-based-tokens",
    "metaverse",
    "socialfi",
    "depin",
)
"""One category slug per sector, in the vendor's own spelling."""

ROW_GROUP = 122_880
"""DuckDB's own row group size: token ranges prune whole groups."""


@dataclass(frozen=True, slots=True)
class PanelSize:
    """The number of rows in each file of a panel."""

    n_tokens: int
    n_prices: int
    n_signals: int


@dataclass(frozen=True, slots=True)
class _Bars:
    """One timeframe of prices as (token, bar) matrices; `listed` marks the bars that exist."""

    timeframe: str
    starts: NDArray[np.datetime64]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    listed: Bools


def write_panel(
    folder: Path | str,
    *,
    n_tokens: int = 2000,
    n_bars: int = 1825,
    timeframe: str = "1d",
    seed: int = 7,
    hourly: bool = False,
    hourly_tokens: int = 300,
    hourly_bars: int = 8760,
    covered_share: float = 0.7,
    flip_bars: int = 30,
) -> PanelSize:
    """Write `tokens`, `prices` and `signals` into `folder`; the same arguments write the same rows.

    With `hourly`, the first `hourly_tokens` tokens get `hourly_bars` bars of '1h' beside the panel, and
    `prices` and `signals` become folders with one file per timeframe. (The two timeframes are drawn
    independently: nothing in the benchmark compares them.)
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _remove_earlier(folder)
    rng = np.random.default_rng(seed)
    sector_of = rng.integers(0, len(CATEGORIES), n_tokens)
    covered = rng.random(n_tokens) < covered_share
    _write(_tokens_table(sector_of), folder / "tokens.parquet")
    parts = [(timeframe, n_tokens, n_bars)]
    if hourly:
        parts.append(("1h", min(hourly_tokens, n_tokens), hourly_bars))
    n_prices = n_signals = 0
    for part_timeframe, part_tokens, part_bars in parts:
        bars = _draw_bars(rng, sector_of[:part_tokens], part_bars, part_timeframe)
        prices = _prices_table(bars)
        signals = _signals_table(rng, bars, covered[:part_tokens], flip_bars)
        name = f"/{part_timeframe}" if len(parts) > 1 else ""
        _write(prices, folder / f"prices{name}.parquet")
        _write(signals, folder / f"signals{name}.parquet")
        n_prices += prices.num_rows
        n_signals += signals.num_rows
    return PanelSize(n_tokens, n_prices, n_signals)


def write_spine(panel: Path | str, path: Path | str, *, timeframe: str = "1d") -> int:
    """Write the spine of a panel (contract, section 3) as one sorted Parquet file; return its rows.

    Segments end where more than 3 days of bars are missing or an open jumps past a factor of 5; shorter
    holes are filled with the previous close. This is the input of every kernel and is not timed.
    """
    source = Path(panel) / "prices.parquet"
    if not source.exists():
        source = Path(panel) / "prices" / f"{timeframe}.parquet"
    step = "interval 1 hour" if timeframe == "1h" else "interval 1 day"
    con = duckdb.connect()
    con.execute(_SPINE_SQL.format(source=source, step=step, timeframe=timeframe, path=path, rows=ROW_GROUP))
    (n_rows,) = con.execute(f"select count(*) from '{path}'").fetchall()[0]
    con.close()
    return int(n_rows)


_SPINE_SQL = """
copy (
    with bars as (
        select
            token_id, bar_start, open, high, low, close,
            lag(bar_start) over w as previous_start,
            lag(close) over w as previous_close,
            lead(bar_start) over w as next_start
        from '{source}'
        where timeframe = '{timeframe}'
        window w as (partition by token_id order by bar_start)
    ),
    marked as (
        select
            *,
            previous_start is null
            or bar_start - previous_start > interval 3 day + {step}
            or open > previous_close * 5
            or open < previous_close / 5 as is_first
        from bars
    ),
    numbered as (
        select
            *,
            count(*) filter (where is_first) over (partition by token_id order by bar_start) as segment,
            lead(is_first) over (partition by token_id order by bar_start) as is_last
        from marked
    ),
    filled as (
        select token_id, bar_start, open, high, low, close, segment from numbered
        union all
        select token_id, filled_start, close, close, close, close, segment
        from (
            select *, unnest(range(bar_start + {step}, next_start, {step})) as filled_start
            from numbered
            where not is_last and next_start > bar_start + {step}
        )
    )
    select token_id, bar_start, open, high, low, close, segment::integer as segment
    from filled
    order by token_id, bar_start
) to '{path}' (format parquet, row_group_size {rows})
"""


def _remove_earlier(folder: Path) -> None:
    """Remove what an earlier call wrote here, so that a file and a folder never share a name."""
    for name in ("tokens", "prices", "signals"):
        for path in (folder / f"{name}.parquet", *folder.glob(f"{name}/*.parquet")):
            path.unlink(missing_ok=True)


def _write(table: pa.Table, path: Path) -> None:
    """Write one Parquet file, making its folder."""
    path.parent.mkdir(exist_ok=True)
    pq.write_table(table, path, row_group_size=ROW_GROUP)


def _draw_bars(rng: np.random.Generator, sector_of: NDArray[np.int64], n_bars: int, timeframe: str) -> _Bars:
    """Draw prices for tokens of the given sectors: correlated factors, then bars around the closes."""
    shape = (len(sector_of), n_bars)
    scale = float(np.sqrt(BAR[timeframe] / BAR["1d"]))
    starts = END - BAR[timeframe] * np.arange(n_bars, 0, -1)
    vol = rng.uniform(0.02, 0.06, (shape[0], 1)) * scale
    close = _draw_closes(rng, sector_of, vol, n_bars, scale)
    opens = np.empty(shape)
    opens[:, 0] = close[:, 0]
    opens[:, 1:] = close[:, :-1]
    opens *= np.exp(0.05 * vol * rng.standard_normal(shape))
    high = np.maximum(opens, close) * np.exp(0.5 * vol * rng.exponential(size=shape))
    low = np.minimum(opens, close) * np.exp(-0.5 * vol * rng.exponential(size=shape))
    _redenominate(rng, (opens, high, low, close))
    volume = rng.lognormal(14.0, 1.5, (shape[0], 1)) * rng.lognormal(0.0, 0.5, shape)
    listed = _draw_listed(rng, shape, int(BAR["1d"] / BAR[timeframe]))
    return _Bars(timeframe, starts, opens, high, low, close, volume, listed)


def _draw_closes(
    rng: np.random.Generator, sector_of: NDArray[np.int64], vol: Floats, n_bars: int, scale: float
) -> Floats:
    """Draw closes: market and sector factors with fat tails, own noise, and a drift."""
    n_tokens = len(sector_of)
    market = 0.025 * scale * rng.standard_t(4, n_bars) / np.sqrt(2.0)
    sectors = 0.015 * scale * rng.standard_t(4, (len(CATEGORIES), n_bars)) / np.sqrt(2.0)
    beta = rng.uniform(0.6, 1.5, (n_tokens, 1))
    steps = vol * rng.standard_normal((n_tokens, n_bars))
    steps += beta * market + sectors[sector_of]
    np.clip(steps, -1.2, 1.2, out=steps)
    drift = rng.uniform(-0.0005, 0.0007, (n_tokens, 1)) * scale**2
    start = np.log(rng.lognormal(0.0, 2.0, (n_tokens, 1)))
    closes: Floats = np.exp(start + drift * np.arange(n_bars) + np.cumsum(steps, axis=1))
    return closes


def _redenominate(rng: np.random.Generator, prices: tuple[Floats, ...]) -> None:
    """Multiply all later prices of one token in 400 by 1,000, from one bar's open to the next."""
    n_tokens, n_bars = prices[0].shape
    for token in rng.choice(n_tokens, size=n_tokens // 400, replace=False):
        first = int(rng.integers(n_bars // 4, n_bars))
        for values in prices:
            values[token, first:] *= 1000.0


def _draw_listed(rng: np.random.Generator, shape: tuple[int, int], bars_a_day: int) -> Bools:
    """Draw which bars exist: 30 % of tokens list late, 3 % die, 3 % have a gap of 1 to 20 days."""
    n_tokens, n_bars = shape
    bar = np.arange(n_bars)
    first = np.where(rng.random(n_tokens) < 0.3, rng.integers(0, n_bars * 3 // 4, n_tokens), 0)
    end = np.where(rng.random(n_tokens) < 0.03, rng.integers(n_bars * 3 // 4, n_bars, n_tokens), n_bars)
    listed: Bools = (bar >= first[:, None]) & (bar < end[:, None])
    for token in np.flatnonzero(rng.random(n_tokens) < 0.03):
        gap = int(rng.integers(1, 21 if rng.random() < 0.5 else 4)) * bars_a_day
        start = int(rng.integers(first[token], n_bars))
        listed[token, start : start + gap] = False
    return listed


def _tokens_table(sector_of: NDArray[np.int64]) -> pa.Table:
    """One row per token; the product maps its category slug to its sector."""
    n_tokens = len(sector_of)
    return pa.table(
        {
            "token_id": pa.array(np.arange(1, n_tokens + 1), pa.int64()),
            "symbol": pa.array([f"T{i:05d}" for i in range(1, n_tokens + 1)]),
            "name": pa.array([f"Token {i}" for i in range(1, n_tokens + 1)]),
            "categories": pa.array([[CATEGORIES[s]] for s in sector_of]),
        }
    )


def _prices_table(bars: _Bars) -> pa.Table:
    """The bars that exist, sorted by token and time."""
    token, bar = np.nonzero(bars.listed)
    columns = {name: getattr(bars, name)[bars.listed] for name in ("open", "high", "low", "close")}
    return pa.table(
        {
            "token_id": pa.array(token + 1, pa.int64()),
            "timeframe": _constant(bars.timeframe, len(token)),
            "bar_start": pa.array(bars.starts[bar], pa.timestamp("us")),
            **{name: pa.array(values, pa.float64()) for name, values in columns.items()},
            "volume_usd": pa.array(bars.volume[bars.listed], pa.float64()),
            "price_source": _constant("simulated", len(token)),
        }
    )


def _signals_table(rng: np.random.Generator, bars: _Bars, covered: Bools, flip_bars: int) -> pa.Table:
    """One row per covered token and bar: the state, known some time after the bar's close."""
    states = _draw_states(rng, bars.listed.shape, flip_bars)
    rows = bars.listed & covered[:, None]
    token, bar = np.nonzero(rows)
    signal_at = bars.starts[bar]
    delay = rng.integers(60, 360, len(token)) * (BAR[bars.timeframe] // np.timedelta64(1_440, "s"))
    known_at = signal_at + BAR[bars.timeframe] + delay.astype("timedelta64[s]")
    return pa.table(
        {
            "token_id": pa.array(token + 1, pa.int64()),
            "timeframe": _constant(bars.timeframe, len(token)),
            "signal_at": pa.array(signal_at, pa.timestamp("us")),
            "direction": pa.array(states[rows], pa.int8()),
            "trend": pa.nulls(len(token), pa.int8()),
            "score": pa.nulls(len(token), pa.float64()),
            "known_at": pa.array(known_at, pa.timestamp("us")),
        }
    )


def _draw_states(rng: np.random.Generator, shape: tuple[int, int], flip_bars: int) -> NDArray[np.int8]:
    """Draw sides of 1 and -1 that flip once in `flip_bars` bars on average."""
    flips = rng.random(shape) < 1.0 / flip_bars
    sides: NDArray[np.int8] = (1 - 2 * (np.cumsum(flips, axis=1, dtype=np.int32) % 2)).astype(np.int8)
    sides *= rng.choice(np.array([-1, 1], dtype=np.int8), (shape[0], 1))
    return sides


def _constant(text: str, n: int) -> pa.Array:
    """A text column of one value, dictionary-encoded."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, dtype=np.int32)), pa.array([text]))
