"""The sample's market moved in time, and the rows that each endpoint serves of it at a moment."""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from flows.devserver.endpoints import ENDPOINTS
from flows.sources.sample import SAMPLE, MarketSpec, simulate, snapshot_at

SQL = Path(__file__).parent / "sql"
N_KEPT_SELECTIONS = 256


def small_market(
    now: dt.datetime, n_tokens: int = 12, n_days: int = 200, hourly_days: int = 20, days_ahead: int = 10, seed: int = 7
) -> MarketSpec:
    """A small market for tests, which ends `days_ahead` days after `now`."""
    return replace(
        SAMPLE,
        n_tokens=n_tokens,
        n_pegged=2 if n_tokens <= 60 else 7,
        n_days=n_days,
        hourly_days=hourly_days,
        seed=seed,
        end_date=now.date() + dt.timedelta(days=days_ahead),
    )


def sample_market(now: dt.datetime, n_tokens: int = SAMPLE.n_tokens) -> MarketSpec:
    """The bundled market, moved to end with the quarter after the one of `now`.

    The draws do not depend on the dates, so this is the sample's own market at other dates. The end stays the same
    for a whole quarter, so that a server started again tomorrow serves the same history.
    """
    end = _quarter_start(now.date(), 2) - dt.timedelta(days=1)
    return replace(SAMPLE, n_tokens=n_tokens, n_pegged=2 if n_tokens <= 60 else 7, end_date=end, hourly_days=240)


def _quarter_start(day: dt.date, later: int) -> dt.date:
    quarter = day.year * 4 + (day.month - 1) // 3 + later
    return dt.date(quarter // 4, quarter % 4 * 3 + 1, 1)


@dataclass(frozen=True)
class Shown:
    """One endpoint's rows in the order they are served, and the columns that filters use."""

    table: pa.Table
    token_id: np.ndarray | None
    day: np.ndarray | None  # datetime64[D]

    def rows(self, index: np.ndarray) -> list[dict[str, object]]:
        """The rows at these positions."""
        shown: list[dict[str, object]] = self.table.take(pa.array(index)).to_pylist()
        return shown


class View:
    """All rows that the vendor serves at one moment. Read-only once made, so threads may share it."""

    def __init__(self, tables: Mapping[str, pa.Table], now: dt.datetime, *, partial_today: bool = True) -> None:
        self.now = now
        self.snapshot = snapshot_at(tables, now)
        with duckdb.connect() as connection:
            connection.execute(f"set variable now = timestamp '{now.isoformat()}'")
            connection.execute(f"set variable partial_today = {partial_today}")
            for name, table in self.snapshot.items():
                connection.register(name, table)
            connection.execute((SQL / "_market.sql").read_text())
            self.tokens = connection.sql("select * from token order by token_id").to_arrow_table().to_pylist()
            self.places = {token["token_id"]: place for place, token in enumerate(self.tokens)}
            self.shown = {name: _show(connection, name) for name in ENDPOINTS}
        self._selections: OrderedDict[tuple[object, ...], np.ndarray] = OrderedDict()

    def kept_selection(self, key: tuple[object, ...]) -> np.ndarray | None:
        """The positions of the rows that an earlier query with the same filters found, or None."""
        return self._selections.get(key)

    def keep_selection(self, key: tuple[object, ...], index: np.ndarray) -> None:
        """Cache the rows that a query found, for its next page."""
        self._selections[key] = index
        if len(self._selections) > N_KEPT_SELECTIONS:
            self._selections.popitem(last=False)


def _show(connection: duckdb.DuckDBPyConnection, name: str) -> Shown:
    moment = ENDPOINTS[name].moment
    table = connection.sql((SQL / f"{name}.sql").read_text()).to_arrow_table().combine_chunks()
    token_id = table["token_id"].to_numpy() if "token_id" in table.column_names else None
    day = table[moment].to_numpy().astype("datetime64[D]") if moment else None
    return Shown(table, token_id, day)


class Market:
    """The market, with the view of the current hour. Use `drawn` to make one."""

    def __init__(self, spec: MarketSpec, *, partial_today: bool = True) -> None:
        self.spec = spec
        self.tables = simulate(spec)
        self._partial_today = partial_today
        self._view: View | None = None

    def at(self, now: dt.datetime) -> View:
        """The rows served at `now` (UTC, no zone); they change only on the hour, so that pages fit together."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        if self._view is None or self._view.now != hour:
            self._view = View(self.tables, hour, partial_today=self._partial_today)
        return self._view


@lru_cache(maxsize=2)
def drawn(spec: MarketSpec, *, partial_today: bool = True) -> Market:
    """The market of a spec, cached, because tests start many servers over one market."""
    return Market(spec, partial_today=partial_today)
