"""A tiny folder written from small lists, taken through the product in memory, without the gate."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from flows.config import Settings
from flows.run import Run
from flows.warehouse.build import BuildReport, build
from tests.exact import expect
from tests.product import make_run, snapshot_without_gate

LENGTH = {"1d": pd.Timedelta(days=1), "1h": pd.Timedelta(hours=1)}
BAR_COLUMNS = ("token_id", "timeframe", "bar_start", "open", "high", "low", "close", "volume_usd")
SIGNAL_COLUMNS = (
    "vendor",
    "token_id",
    "timeframe",
    "signal_at",
    "direction",
    "trend",
    "known_at",
    "score",
    "expires_at",
)

# What is traded on every bar, so that one that does not move is a bar too.
VOLUME = 1e6

Bar = tuple[float, float, float, float]


def flat(price: float) -> Bar:
    """A bar on which nothing moves."""
    return price, price, price, price


@dataclass
class Scene:
    """Tokens, bars and signals as a test lays them out; `run` takes them in and builds.

    Every token is of sector Meme by default. Days are ISO text. Bars before the first of a test's own are added by
    `season`, because the first 7 days of a token are never scored.

    Each daily bar and signal is delivered with an hourly one at the same moment, at three times the price and of the
    other side, so that a model that mixes two timeframes gets another answer; `is_daily_only` leaves them out.
    """

    connection: duckdb.DuckDBPyConnection
    folder: Path
    settings: Settings
    token_rows: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    bar_rows: list[tuple[Any, ...]] = field(default_factory=list)
    signal_rows: list[tuple[Any, ...]] = field(default_factory=list)
    is_daily_only: bool = False
    # What the folder declares of its signals: `states` or `events`.
    style: str | None = None
    # Rows of the other datasets, by name: whole rows by column.
    other_rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def token(
        self,
        token_id: int,
        *,
        symbol: str | None = None,
        name: str | None = None,
        categories: str = "Meme",
        sector: str | None = None,
    ) -> None:
        self.token_rows[token_id] = (token_id, symbol or f"T{token_id}", name, categories, sector)

    def bars(
        self, token_id: int, first: str, *bars: Bar | None, timeframe: str = "1d", volume: float | None = VOLUME
    ) -> None:
        """Bars one after another from `first` on; None is a bar that is missing."""
        if token_id not in self.token_rows:
            self.token(token_id)
        for number, bar in enumerate(bars):
            if bar is not None:
                bar_start = pd.Timestamp(first) + number * LENGTH[timeframe]
                self.bar_rows.append((token_id, timeframe, bar_start, *bar, volume))

    def season(self, token_id: int, until: str, price: float) -> None:
        """Seven flat days before the day on which the test's own bars begin."""
        self.bars(token_id, str(pd.Timestamp(until) - pd.Timedelta(days=7)), *[flat(price)] * 7)

    def seasoned(self, token_id: int, first: str, *bars: Bar | None) -> None:
        """Daily bars after seven flat days at the first one's open."""
        assert bars[0] is not None
        self.season(token_id, first, bars[0][0])
        self.bars(token_id, first, *bars)

    def signal(
        self,
        token_id: int,
        at: str,
        direction: int,
        *,
        trend: int | None = None,
        known_at: str | None = None,
        vendor: str = "v",
        timeframe: str = "1d",
        score: float | None = None,
        expires_at: str | None = None,
    ) -> None:
        signal_at, known, expires = (pd.Timestamp(one) if one else pd.NaT for one in (at, known_at, expires_at))
        self.signal_rows.append((vendor, token_id, timeframe, signal_at, direction, trend, known, score, expires))

    def signals(self, token_id: int, first: str, *directions: int | None, vendor: str = "v") -> None:
        """Daily rows one after another from `first` on, without a known_at; None is a row that is missing."""
        for number, direction in enumerate(directions):
            if direction is not None:
                self.signal(token_id, str(pd.Timestamp(first) + pd.Timedelta(days=number)), direction, vendor=vendor)

    def replace_bar(
        self, token_id: int, at: str, bar: Bar, *, timeframe: str = "1d", volume: float | None = VOLUME
    ) -> None:
        """What a bar is from now on."""
        key = token_id, timeframe, pd.Timestamp(at)
        place = next(place for place, row in enumerate(self.bar_rows) if row[:3] == key)
        self.bar_rows[place] = (*key, *bar, volume)

    def remove_signals(self, token_id: int, *at: str, vendor: str = "v", timeframe: str = "1d") -> None:
        """Rows that the vendor no longer delivers."""
        gone = [(vendor, token_id, timeframe, pd.Timestamp(moment)) for moment in at]
        self.signal_rows = [row for row in self.signal_rows if row[:4] not in gone]

    def run(self, as_of: str, *, fetched_at: str | None = None, price_source: str | None = None) -> BuildReport:
        """Deliver what is laid out, by a wall clock that stands at `as_of`, and build what it changes."""
        run = self.take(as_of, fetched_at=fetched_at, price_source=price_source)
        return build(self.connection, self.settings, as_of=run.as_of, run_id=run.run_id)

    def take(self, as_of: str, *, fetched_at: str | None = None, price_source: str | None = None) -> Run:
        """Deliver what is laid out and build nothing."""
        self.write(price_source)
        run = make_run(self.folder, self.settings, as_of=moment(as_of), fetched_at=moment(fetched_at or as_of))
        snapshot_without_gate(self.connection, run)
        return run

    def expect(self, table: str, columns: str, *rows: tuple[Any, ...], where: str = "true") -> None:
        """Assert that a table holds exactly these rows, of those that `where` lets through."""
        expect(self.connection, table, columns, *rows, where=where)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    def write(self, price_source: str | None) -> None:
        tokens = pd.DataFrame(self.token_rows.values(), columns=["token_id", "symbol", "name", "categories", "sector"])
        bar_rows, signal_rows = self.bar_rows, self.signal_rows
        if not self.is_daily_only:
            bar_rows = bar_rows + _hourly_bars(bar_rows)
            signal_rows = signal_rows + _hourly_signals(signal_rows)
        bars = pd.DataFrame(bar_rows, columns=list(BAR_COLUMNS)).astype({"volume_usd": "float64"})
        bars["price_source"] = pd.Series([price_source] * len(bars), dtype="string")
        signals = pd.DataFrame(signal_rows, columns=list(SIGNAL_COLUMNS)).astype(
            {"trend": "float64", "score": "float64"}
            | dict.fromkeys(("signal_at", "known_at", "expires_at"), "datetime64[us]")
        )
        if self.style is not None:
            (self.folder / "trackrecord.toml").write_text(f'[signals]\nstyle = "{self.style}"\n')
        for name, rows in self.other_rows.items():
            pd.DataFrame(rows).to_parquet(self.folder / f"{name}.parquet", index=False)
        for name, table in (("tokens", tokens), ("prices", bars), ("signals", signals)):
            table.to_parquet(self.folder / f"{name}.parquet", index=False)


def _hourly_bars(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The first hour of each day that has a daily bar and no hourly one, up where the day went down."""
    own = {(row[0], row[2]) for row in rows if row[1] == "1h"}
    found = []
    for token_id, timeframe, bar_start, opened, high, low, close, volume in rows:
        if timeframe == "1d" and (token_id, bar_start) not in own:
            found.append((token_id, "1h", bar_start, 3 * close, 3 * high, 3 * low, 3 * opened, volume))
    return found


def _hourly_signals(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """A row of the other side for the first hour of each day that has a daily row and no hourly one."""
    own = {(row[0], row[1], row[3]) for row in rows if row[2] == "1h"}
    found = []
    for vendor, token_id, timeframe, signal_at, direction, trend, *rest in rows:
        if timeframe == "1d" and (vendor, token_id, signal_at) not in own:
            other = None if trend is None else -trend
            found.append((vendor, token_id, "1h", signal_at, -direction, other, *rest))
    return found


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def day(text: str) -> datetime:
    """Midnight of a day of January 2026, or of `MM-DD` of that year."""
    return datetime.fromisoformat(f"2026-{text}" if "-" in text else f"2026-01-{text}")
