"""A small folder, drawn with a fixed seed, in which everything happens that the contract has a word for."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd

DAY, HOUR = pd.Timedelta(days=1), pd.Timedelta(hours=1)
FIRST_DAY = pd.Timestamp("2025-01-01")
N_DAYS = 220
# All timeframes end at the same moment, but weeks on the Monday before; the run lives 20 minutes later.
END = FIRST_DAY + N_DAYS * DAY
N_HOURS = 420
FIRST_HOUR = END - N_HOURS * HOUR
AS_OF = datetime(2025, 8, 9, 0, 20)
WEEK = 7 * DAY
N_WEEKS = 220
LAST_MONDAY = pd.Timestamp("2025-08-04")

# How many bars each timeframe has, the first, their length, and how many may be missing inside a segment.
GRIDS = {
    "1d": (N_DAYS, FIRST_DAY, DAY, 3),
    "1h": (N_HOURS, FIRST_HOUR, HOUR, 72),
    "4h": (N_HOURS, END - N_HOURS * 4 * HOUR, 4 * HOUR, 18),
    "1w": (N_WEEKS, LAST_MONDAY - N_WEEKS * WEEK, WEEK, 2),
}

# Our wall clock stands 8 days before, so that what was signalled since is `witnessed` and yet has outcomes.
FETCHED_AT = datetime(2025, 8, 1, 0, 20)

MEME, LAYER_1, GAMING, NONE = "Meme", "Layer 1 (L1)", "GameFi", "Nothing we map"

TIES, BORDERS, HALTS, DEAD, STILL_ALIVE, JUST_DEAD, EXCLUDED, OVERRIDDEN, LATE, TWO_SOURCES = range(1, 11)
RANDOM = range(11, 25)
UNPRICED, UNCOVERED = 25, 26
# Tokens with bars without trade, and tokens whose prices come from several sources in turn.
FILLED_IN, NO_VOLUME, IN_TURN, BUSIEST = QUIET = range(27, 31)

CATEGORIES = {
    TIES: MEME, BORDERS: MEME, HALTS: LAYER_1, DEAD: LAYER_1, STILL_ALIVE: LAYER_1, JUST_DEAD: GAMING,
    EXCLUDED: MEME, OVERRIDDEN: MEME, LATE: GAMING, TWO_SOURCES: GAMING, UNPRICED: MEME, UNCOVERED: MEME,
    FILLED_IN: MEME, NO_VOLUME: LAYER_1, IN_TURN: GAMING, BUSIEST: MEME,
}  # fmt: skip


def write_synthetic(folder: Path, timeframes: tuple[str, ...] = ("1d", "1h"), style: str | None = None) -> None:
    """Write tokens, prices and signals of two vendors, and how their signals are meant where that is declared."""
    assert pd.Timestamp(AS_OF) - END == pd.Timedelta(minutes=20)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20251122)
    _tokens(rng).to_csv(folder / "tokens.csv", index=False)
    prices = pd.concat([_prices(rng, timeframe) for timeframe in timeframes], ignore_index=True)
    prices.to_parquet(folder / "prices.parquet", index=False)
    _signals(rng, timeframes).to_parquet(folder / "signals.parquet", index=False)
    if style is not None:
        (folder / "trackrecord.toml").write_text(f'[signals]\nstyle = "{style}"\n')


def _tokens(rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for token in (*range(1, 11), *RANDOM, UNPRICED, UNCOVERED, *QUIET):
        sectors = CATEGORIES.get(token) or rng.choice([MEME, LAYER_1, GAMING, NONE], p=[0.4, 0.25, 0.2, 0.15])
        symbol = "AAVEDOWNUSDT" if token == EXCLUDED else f"T{token}"
        name = "AAVE Down" if token == EXCLUDED else f"Token {token}"
        rows.append((token, symbol, name, f"{sectors};Ethereum", "Special" if token == OVERRIDDEN else None))
    return pd.DataFrame(rows, columns=["token_id", "symbol", "name", "categories", "sector"])


# --- prices ------------------------------------------------------------------------------------------------


def _prices(rng: np.random.Generator, timeframe: str) -> pd.DataFrame:
    n, first, step, tolerated = GRIDS[timeframe]
    rows = []
    for token in (*range(1, 11), *RANDOM, UNCOVERED):
        for source, i, bar in _bars_of(rng, token, n, tolerated):
            rows.append((token, timeframe, first + i * step, *bar, 1000.0, source))
    for token in QUIET:
        for source, i, bar, volume in _quiet_bars(token, n, step, tolerated):
            rows.append((token, timeframe, first + i * step, *bar, volume, source))
    columns = ["token_id", "timeframe", "bar_start", "open", "high", "low", "close", "volume_usd", "price_source"]
    return pd.DataFrame(rows, columns=columns)


Bar = tuple[float, float, float, float]


def _bars_of(rng: np.random.Generator, token: int, n: int, tolerated: int) -> Iterator[tuple[str | None, int, Bar]]:
    """The bars of a token: price source, number, prices. Bar n is still open when the run looks."""
    if token == TIES:
        # Up or down by exactly the costs, or a little more: a hit is more than a tie.
        for i in range(n):
            close = (100.2, 99.8, 100.3, 99.7)[int(rng.integers(4))]
            yield None, i, (100.0, 100.5, 99.5, close)
    elif token == BORDERS:
        # Opens at exactly 5 times and a fifth of the close before belong together; a hair more does not.
        for i in range(n):
            price = (10.0, 50.0, 10.0, 51.0, 10.0)[min(5 * i // n, 4)]
            yield None, i, (price, price * 1.02, price * 0.97, price)
    elif token == HALTS:
        # As many missing bars as are tolerated are filled, one bar more is a halt.
        missing = {*range(40, 41), *range(60, 60 + tolerated), *range(160, 160 + tolerated + 1)}
        yield from ((None, i, bar) for i, bar in _walk(rng, 0, n) if i not in missing)
    elif token == DEAD:
        yield from ((None, i, bar) for i, bar in _walk(rng, 0, 2 * n // 3))
    elif token == STILL_ALIVE:
        yield from ((None, i, bar) for i, bar in _walk(rng, 0, n - tolerated))
    elif token == JUST_DEAD:
        yield from ((None, i, bar) for i, bar in _walk(rng, 0, n - tolerated - 1))
    elif token == LATE:
        yield from ((None, i, bar) for i, bar in _walk(rng, n // 2, n + 1))
    elif token == TWO_SOURCES:
        yield from (("main", i, bar) for i, bar in _walk(rng, 0, n + 1))
        yield from (("other", i, bar) for i, bar in _walk(rng, n // 3, n // 2))
    elif token in (EXCLUDED, OVERRIDDEN, UNCOVERED):
        yield from ((None, i, bar) for i, bar in _walk(rng, 0, n + 1))
    else:
        yield from ((None, i, bar) for i, bar in _wild_walk(rng, n, tolerated))


def _quiet_bars(
    token: int, n: int, step: pd.Timedelta, tolerated: int
) -> Iterator[tuple[str | None, int, Bar, float | None]]:
    """The same with the volume, of the tokens in `QUIET`; each has draws of its own."""
    walk = dict(_walk(np.random.default_rng(token), 0, n + 1))
    if token == FILLED_IN:
        # An exporter fills what lacks with flat candles: single bars, a halt, and all since the token died.
        close, dead_from = walk[0][3], 3 * n // 4
        for i, bar in walk.items():
            is_hole = i > 0 and (i % 7 == 0 or i in range(50, 51 + tolerated + i % 2) or i >= dead_from)
            # Converted to and fro, a filled price is a hair off.
            flat = close * (1 + 1e-10 * (i % 3))
            yield None, i, (flat,) * 4 if is_hole else bar, 0.0 if is_hole else 1000.0
            close = flat if is_hole else bar[3]
    elif token == NO_VOLUME:
        # Prices that stand still for two to six days, without a volume that would show whether anything was traded.
        days = max(1, pd.Timedelta(days=1) // step)
        still = {i for at, length in ((20, 2), (60, 3), (100, 4), (130, 6)) for i in range(at, at + length * days)}
        close = walk[0][3]
        for i, moved in walk.items():
            bar = (close,) * 4 if i in still else moved
            close = bar[3]
            yield None, i, bar, None
    elif token == IN_TURN:
        # South begins while north trades, takes over when north falls silent, and goes on when north is back.
        halt = n // 3 + tolerated
        yield from (("north", i, bar, 5.0) for i, bar in walk.items() if i not in range(n // 3, halt + 1))
        for i in range(n // 4, 2 * n // 3):
            # Candles without trade of a source that has no market: it never has a bar.
            yield "east", i, (walk[n // 4][3],) * 4, 0.0
            yield "south", i, _scaled(walk[i], 1.1), None
    else:
        # Of two that could take over the one with more bars does, though its name comes later.
        yield from (("main", i, bar, 5.0) for i, bar in walk.items() if i < n // 2)
        yield from (("few", i, _scaled(bar, 0.9), 5.0) for i, bar in walk.items() if i >= n // 2 - 4)
        yield from (("many", i, _scaled(bar, 1.2), 5.0) for i, bar in walk.items() if i in range(n // 2 - 8, n - 12))


def _scaled(bar: Bar, factor: float) -> Bar:
    opened, high, low, close = (_rounded(price * factor, 9) for price in bar)
    return opened, high, low, close


def _walk(rng: np.random.Generator, start: int, end: int) -> Iterator[tuple[int, Bar]]:
    """Every bar, no jumps."""
    price = round(float(rng.uniform(0.5, 20)), 2)
    for i in range(start, end):
        bar = _bar(rng, price)
        price = bar[3]
        yield i, bar


def _wild_walk(rng: np.random.Generator, n: int, tolerated: int) -> Iterator[tuple[int, Bar]]:
    """Late listings, missing bars, halts, jumps to either side of 5 times, early ends."""
    price = round(float(rng.uniform(0.01, 50)), 3)
    start, end = int(rng.choice([0, 0, 0, 20, 60])), n + 1 - int(rng.choice([0, 0, 0, 1, 3, 50]))
    silent_until = 0
    for i in range(start, end):
        if i < silent_until:
            continue
        draw = rng.random()
        if draw < 0.05:
            silent_until = i + int(rng.choice([1, 2, tolerated, tolerated + 1], p=[0.7, 0.2, 0.05, 0.05]))
            continue
        if draw > 0.994:
            price *= float(rng.choice([0.17, 0.24, 2.2, 4.7, 5.4]))
        bar = _bar(rng, price)
        price = bar[3]
        yield i, bar


def _bar(rng: np.random.Generator, price: float) -> Bar:
    """A bar of few decimals; every fifth moves by exactly the costs, which binary arithmetic does not see."""
    opened = _rounded(price * (1 + float(rng.normal(0, 0.002))), 3)
    move = Decimal(str(rng.choice(["0.002", "-0.002"])))
    closed = float(Decimal(str(opened)) * (1 + move)) if rng.random() < 0.2 else opened * (1 + rng.normal(0, 0.04))
    closed = _rounded(closed, 7)
    high = _rounded(max(opened, closed) * (1 + abs(float(rng.normal(0, 0.01)))), 8)
    low = _rounded(min(opened, closed) * (1 - abs(float(rng.normal(0, 0.01)))), 8)
    return opened, max(high, opened, closed), min(low, opened, closed), closed


def _rounded(price: float, digits: int) -> float:
    return float(f"{price:.{digits}g}")


# --- signals -----------------------------------------------------------------------------------------------


def _signals(rng: np.random.Generator, timeframes: tuple[str, ...]) -> pd.DataFrame:
    rows = [row for timeframe in timeframes for rows_of in (_events, _states) for row in rows_of(rng, timeframe)]
    for timeframe in timeframes:
        rows += _events(np.random.default_rng(len(timeframe)), timeframe, QUIET)
    columns = ["vendor", "token_id", "timeframe", "signal_at", "direction", "trend", "known_at"]
    table = pd.DataFrame(rows, columns=columns)
    table["trend"] = table["trend"].astype("float64")
    # Every third row expires between half a bar and nine bars after it stands.
    number = pd.Series(range(len(table)))
    steps = pd.to_timedelta(table["timeframe"].map({name: grid[2] for name, grid in GRIDS.items()}))
    table["expires_at"] = (table["signal_at"] + steps * (1.5 + number % 18 / 2)).where(number % 3 == 0)
    for moment in ("signal_at", "known_at", "expires_at"):
        table[moment] = pd.to_datetime(table[moment]).astype("datetime64[us]")
    return table[table["known_at"].isna() | (table["known_at"] <= pd.Timestamp(AS_OF))].reset_index(drop=True)


def _events(
    rng: np.random.Generator, timeframe: str, tokens: Iterable[int] = (*range(1, 11), *RANDOM, UNPRICED)
) -> Iterator[tuple[object, ...]]:
    """A vendor with a row when something fires, with the trend beside it and the moment it was known."""
    n, first, step, _ = GRIDS[timeframe]
    for token in tokens:
        state = 0
        for i in range(int(rng.choice([0, 4, 10, 90])), n + 1):
            if rng.random() < 0.1:
                continue
            fired = 0
            if rng.random() < 0.2:
                state = fired = int(rng.choice([-1, 0, 1]))
            signal_at = first + i * step
            known_at = signal_at + step * float(
                rng.choice([0.01, 0.5, 1.0, 1.5, 2.2, 9], p=[0.1, 0.4, 0.2, 0.1, 0.1, 0.1])
            )
            trend = None if rng.random() < 0.1 else state
            yield "acme/events", token, timeframe, signal_at, fired, trend, known_at


def _states(rng: np.random.Generator, timeframe: str) -> Iterator[tuple[object, ...]]:
    """A vendor that gives its state bar after bar, without the moment it was known, and falls silent before the end."""
    n, first, step, _ = GRIDS[timeframe]
    for token in (TIES, BORDERS, HALTS, DEAD, STILL_ALIVE, JUST_DEAD, LATE, *RANDOM):
        state = 0
        for i in range(int(rng.choice([0, 12, 30])), n - 15):
            if rng.random() < 0.08:
                continue
            if rng.random() < 0.15:
                state = int(rng.choice([-1, 0, 1]))
            yield "bravo", token, timeframe, first + i * step, state, None, pd.NaT
