"""Small random markets, and the folders that a vendor delivers of them step by step."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

START = datetime(2025, 1, 1)

# Categories that the project's map assigns to three sectors, one that it does not know, and one it excludes.
CATEGORIES = ("Layer 1", "Meme", "DeFi", "No Such Category")
EXCLUDED = "Stablecoins"

BARS, SIGNALS = "prices", "signals"


@dataclass(frozen=True)
class Event:
    """An event at a step, such as a restatement: its kind, and two numbers in [0, 1) that choose its rows."""

    kind: str
    which: float
    where: float


@dataclass(frozen=True)
class Step:
    """A delivery: days since the one before, the hour of the day, and its events."""

    days: int
    hour: int
    events: tuple[Event, ...] = ()


@dataclass
class Market:
    """All rows of the market; `arrives` is the step from which a row is delivered, `shown` counts the steps."""

    tokens: pd.DataFrame
    prices: pd.DataFrame
    signals: pd.DataFrame
    now: datetime
    shown: int = 0

    def advance(self, step: Step) -> datetime:
        """Let the step's days pass and its events happen; return its moment."""
        self.now = (self.now + timedelta(days=step.days)).replace(hour=step.hour, minute=20)
        self.shown += 1
        for event in step.events:
            getattr(self, f"_{event.kind}")(event)
        return self.now

    def deliver(self, folder: Path, *, is_archive: bool) -> None:
        """Write the folder as it is delivered now.

        An archive has all rows that are not withheld; any other source those that have begun (an open bar is
        preliminary).
        """
        folder.mkdir(parents=True, exist_ok=True)
        tokens = self.tokens[self.tokens["arrives"] <= self.shown]
        tokens.drop(columns="arrives").to_parquet(folder / "tokens.parquet")
        for name, moment in ((BARS, "bar_start"), (SIGNALS, "signal_at")):
            rows = getattr(self, name)
            rows = rows[(rows["arrives"] <= self.shown) & rows["token_id"].isin(tokens["token_id"])]
            if not is_archive:
                rows = rows[rows[moment] < self.now]
                if "known_at" in rows:
                    rows = rows[rows["known_at"] <= self.now]
            rows.drop(columns="arrives").to_parquet(folder / f"{name}.parquet")

    # --- what may happen at a step ---------------------------------------------------------------------------

    def _revise_bar(self, event: Event) -> None:
        place = self._past(BARS, event)
        self.prices.loc[place, ["high", "close"]] *= 1.1

    def _revise_into_jump(self, event: Event) -> None:
        place = self._past(BARS, event)
        self.prices.loc[place, ["open", "high", "low", "close"]] *= 7

    def _late_bar(self, event: Event) -> None:
        """Deliver withheld bars of the past: one, a few, or all those that looked like a halt."""
        token = self._token(event)
        withheld = self.prices[
            (self.prices["token_id"] == token)
            & (self.prices["arrives"] > self.shown)
            & (self.prices["bar_start"] < self.now)
        ]
        self.prices.loc[withheld.index[: 1 + int(event.where * len(withheld))], "arrives"] = self.shown

    def _late_signal(self, event: Event) -> None:
        withheld = self.signals[(self.signals["arrives"] > self.shown) & (self.signals["signal_at"] < self.now)]
        if len(withheld):
            first = int(event.where * len(withheld))
            self.signals.loc[withheld.index[first : first + 3], "arrives"] = self.shown

    def _restate_signal(self, event: Event) -> None:
        place = self._past(SIGNALS, event)
        old = self.signals.loc[place, "direction"]
        self.signals.loc[place, "direction"] = (old + 2 + int(event.which * 2)) % 3 - 1

    def _earlier_signal(self, event: Event) -> None:
        """Deliver a row before a token's first one, so that its coverage begins earlier."""
        rows = self.signals[self.signals["token_id"] == self._token(event)]
        if not len(rows):
            return
        row = rows.sort_values("signal_at").iloc[0].copy()
        row["signal_at"] -= timedelta(days=1 + int(event.where * 20))
        row["arrives"] = self.shown
        self.signals = pd.concat([self.signals, row.to_frame().T.astype(self.signals.dtypes)], ignore_index=True)

    def _list_token(self, event: Event) -> None:
        """Deliver a withheld token with all its history."""
        withheld = self.tokens[self.tokens["arrives"] > self.shown]
        self.tokens.loc[withheld.index[:1], "arrives"] = self.shown

    def _change_sector(self, event: Event) -> None:
        self.tokens.loc[self._token_row(event), "categories"] = CATEGORIES[int(event.where * len(CATEGORIES))]

    def _exclude_token(self, event: Event) -> None:
        self.tokens.loc[self._token_row(event), "categories"] = EXCLUDED

    def _rename_token(self, event: Event) -> None:
        self.tokens.loc[self._token_row(event), "symbol"] += "X"

    def _earlier_source(self, event: Event) -> None:
        """Deliver bars of another price source that begin before those in use."""
        rows = self.prices[(self.prices["token_id"] == self._token(event)) & (self.prices["timeframe"] == "1d")]
        if not len(rows):
            return
        other = rows.assign(price_source="earlier", arrives=self.shown, close=rows["close"] * 1.01)
        other["high"] = other[["high", "close"]].max(axis=1)
        other["bar_start"] -= timedelta(days=1)
        self._add_bars(other[: len(other) // 2])

    def _later_source(self, event: Event) -> None:
        """Deliver bars of another price source beside those in use, from a day of the past on."""
        rows = self._daily(event)
        first = int(event.where * len(rows))
        other = rows[first:].assign(price_source="later", close=rows["close"][first:] * 0.99)
        other["low"] = other[["low", "close"]].min(axis=1)
        other["arrives"] = np.maximum(other["arrives"], self.shown)
        self._add_bars(other)

    def _drop_source(self, event: Event) -> None:
        """Deliver nothing more of the source that a token's bars begin with."""
        rows = self._daily(event)
        if len(rows):
            name = rows.sort_values("bar_start")["price_source"].iloc[0]
            is_same = rows["price_source"].isna() if name is None else rows["price_source"] == name
            is_new = rows["bar_start"] >= self.now - timedelta(days=1)
            self.prices.loc[rows.index[is_same & is_new], "arrives"] = WITHHELD

    def _fill_in(self, event: Event) -> None:
        """Deliver candles without trade for the days that a token lacks, and for the days since its last bar."""
        for _, of_source in self._daily(event).groupby("price_source", dropna=False):
            rows = of_source[of_source["arrives"] <= self.shown].set_index("bar_start").sort_index()
            if not len(rows):
                continue
            days = pd.date_range(rows.index[0], rows.index[-1] + timedelta(days=40 * event.where), freq="D")
            filled = rows.reindex(days, method="ffill")
            for price in ("open", "high", "low"):
                filled[price] = filled["close"]
            filled = filled[~days.isin(rows.index)].rename_axis("bar_start").reset_index()
            self._add_bars(filled.assign(volume_usd=0.0 if event.which < 0.5 else np.nan, arrives=self.shown))

    def _without_trade(self, event: Event) -> None:
        """Revise some bars in a row into candles without trade, or of unknown volume."""
        place = self._past(BARS, event)
        row = self.prices.loc[place]
        same = self.prices[["token_id", "timeframe"]].eq(row[["token_id", "timeframe"]]).all(axis=1)
        run = self.prices[same & (self.prices["bar_start"] > row["bar_start"])].sort_values("bar_start")
        run = run[: 1 + int(event.which * 7)].index
        self.prices.loc[run, ["open", "high", "low", "close"]] = row["close"]
        self.prices.loc[run, "volume_usd"] = 0.0 if event.where < 0.5 else np.nan

    def _daily(self, event: Event) -> pd.DataFrame:
        """The daily bars of a token."""
        return self.prices[(self.prices["token_id"] == self._token(event)) & (self.prices["timeframe"] == "1d")]

    def _add_bars(self, bars: pd.DataFrame) -> None:
        """Add bars but for those of a token, moment and source that has one."""
        key = ["token_id", "timeframe", "bar_start", "price_source"]
        together = pd.concat([self.prices, bars[self.prices.columns]], ignore_index=True)
        self.prices = together.drop_duplicates(key).reset_index(drop=True)

    def _second_vendor(self, event: Event) -> None:
        self.signals.loc[self.signals["vendor"] == "second", "arrives"] = np.minimum(
            self.signals.loc[self.signals["vendor"] == "second", "arrives"], self.shown
        )

    def _token(self, event: Event) -> int:
        return int(self.tokens["token_id"].iloc[int(event.which * len(self.tokens))])

    def _token_row(self, event: Event) -> int:
        return int(self.tokens.index[int(event.which * len(self.tokens))])

    def _past(self, name: str, event: Event) -> int:
        """A row that was delivered already."""
        rows = getattr(self, name)
        moment = "bar_start" if name == BARS else "signal_at"
        delivered = rows[(rows["arrives"] < self.shown) & (rows[moment] < self.now)]
        of_token = delivered[delivered["token_id"] == self._token(event)]
        seen = of_token if len(of_token) else delivered
        # Most revisions are of recent rows.
        place = int((1 - event.where**2) * len(seen))
        return int(seen.index[min(place, len(seen) - 1)])


ROW_EVENTS = (
    "revise_bar",
    "revise_into_jump",
    "late_bar",
    "late_signal",
    "restate_signal",
    "earlier_signal",
    "list_token",
    "second_vendor",
    "earlier_source",
    "later_source",
    "drop_source",
    "fill_in",
    "without_trade",
)
# The events that make the next build a full one.
TOKEN_EVENTS = ("change_sector", "exclude_token", "rename_token")

WITHHELD = 1_000_000


def random_market(seed: int, *, n_tokens: int, n_days: int, has_known_at: bool, has_quiet_bars: bool = False) -> Market:
    """A market of daily and some hourly bars: gaps, halts, jumps, tokens that die or are listed late, a vendor that
    falls silent, withheld rows; with `has_quiet_bars` also prices that stand still, with and without a volume."""
    random = np.random.default_rng(seed)
    ids = np.arange(1, n_tokens + 1)
    tokens = pd.DataFrame(
        {
            "token_id": ids,
            "symbol": [f"T{number}" for number in ids],
            "categories": [CATEGORIES[place] for place in random.integers(0, 2, n_tokens)],
            "arrives": np.where(ids == n_tokens, WITHHELD, 0),
        }
    )
    hourly_from = int(n_days * random.uniform(0.4, 0.7))
    prices = pd.concat(
        [_bars(random, token, "1d", *_life(random, n_days)) for token in ids]
        + [_bars(random, token, "1h", hourly_from * 24, hourly_from * 24 + 24 * 14) for token in ids[:2]],
        ignore_index=True,
    )
    signals = pd.concat(
        [
            _signals(
                random,
                vendor=vendor,
                token=token,
                timeframe=timeframe,
                first=first,
                last=last,
                has_known_at=has_known_at,
            )
            for vendor in ("first", "second")
            for token in ids[random.random(n_tokens) < 0.8]
            for timeframe, first, last in (
                ("1d", int(n_days * random.uniform(0, 0.3)), n_days),
                ("1h", hourly_from * 24 + 20, hourly_from * 24 + 24 * 14),
            )
            if timeframe == "1d" or token <= 2
        ],
        ignore_index=True,
    )
    signals.loc[signals["vendor"] == "second", "arrives"] = WITHHELD
    silent_from = START + timedelta(days=int(n_days * random.uniform(0.3, 0.8)))
    silence = timedelta(days=int(random.integers(0, 40)))
    if has_quiet_bars:
        prices = _with_quiet_bars(random, prices)
    signals = signals[~signals["signal_at"].between(silent_from, silent_from + silence)]
    return Market(tokens, prices, signals.reset_index(drop=True), START)


def _life(random: np.random.Generator, n_days: int) -> tuple[int, int]:
    """Listed late or at the beginning, alive to the end or dead before."""
    first = 0 if random.random() < 0.5 else int(random.integers(0, n_days // 2))
    last = n_days if random.random() < 0.6 else int(random.integers(first + 5, n_days + 1))
    return first, last


def _bars(random: np.random.Generator, token: int, timeframe: str, first: int, last: int) -> pd.DataFrame:
    n = last - first
    unit = timedelta(days=1) if timeframe == "1d" else timedelta(hours=1)
    moves = random.normal(0, 0.05, n)
    moves[random.random(n) < 0.01] += np.log(7)
    moves[random.random(n) < 0.01] -= np.log(7)
    close = np.round(100 * np.exp(np.cumsum(moves)), 4) + 0.0001
    opening = np.where(random.random(n) < 0.7, np.r_[100, close[:-1]], close)
    bars = pd.DataFrame(
        {
            "token_id": token,
            "timeframe": timeframe,
            "bar_start": pd.to_datetime([START + unit * place for place in range(first, last)]),
            "open": opening,
            "high": np.maximum(opening, close) * 1.02,
            "low": np.minimum(opening, close) * 0.98,
            "close": close,
            "volume_usd": 1e6,
            "price_source": pd.Series(["spot" if token % 2 else None] * n, dtype="object"),
            "arrives": 0,
        }
    )
    # Bars are missing for one to three bars, or for so long that the segment ends; some come late, some never.
    fate = np.zeros(n)
    for _ in range(int(random.integers(0, 4))):
        start, length = int(random.integers(0, n)), int(random.choice([1, 2, 3, 5, 9]))
        fate[start : start + length * (1 if timeframe == "1d" else 12)] = random.choice([1, 2])
    bars.loc[fate == 1, "arrives"] = WITHHELD
    return bars[fate != 2]


def _with_quiet_bars(random: np.random.Generator, prices: pd.DataFrame) -> pd.DataFrame:
    """The same, some tokens without volumes, and runs of bars that stay at the close before them."""
    prices = prices.reset_index(drop=True)
    for _, rows in prices.groupby(["token_id", "timeframe"]):
        if random.random() < 0.3:
            prices.loc[rows.index, "volume_usd"] = np.nan
        for _ in range(int(random.integers(0, 4))):
            length = int(random.choice([1, 2, 4, 9])) * (1 if rows["timeframe"].iloc[0] == "1d" else 20)
            first = int(random.integers(0, len(rows)))
            prices.loc[rows.index[first + 1 : first + length], ["open", "high", "low", "close"]] = rows["close"].iloc[
                first
            ]
            prices.loc[rows.index[first + 1 : first + length], "volume_usd"] *= 0
    return prices


def _signals(
    random: np.random.Generator, *, vendor: str, token: int, timeframe: str, first: int, last: int, has_known_at: bool
) -> pd.DataFrame:
    n = last - first
    unit = timedelta(days=1) if timeframe == "1d" else timedelta(hours=1)
    at = pd.to_datetime([START + unit * place for place in range(first, last)])
    rows = pd.DataFrame(
        {
            "vendor": vendor,
            "token_id": token,
            "timeframe": timeframe,
            "signal_at": at,
            "direction": random.choice([-1, 0, 1], n, p=[0.3, 0.4, 0.3]),
            "trend": pd.array(np.where(random.random(n) < 0.5, None, random.choice([-1, 0, 1], n)), dtype="Int64"),
            "score": random.normal(0, 1, n),
            "arrives": np.where(random.random(n) < 0.1, WITHHELD, 0),
        }
    )
    if has_known_at:
        delays = unit * random.choice([1.0, 1.2, 2.5, 6.0], n, p=[0.7, 0.1, 0.1, 0.1])
        rows["known_at"] = at + pd.to_timedelta(delays)
    return rows[random.random(n) < 0.7]
