"""What a source is: a name, the datasets it delivers, and a fetch as of a moment.

The dataset schemas are the input format of the contract (section 2), declared once and used by every source, by
the raw tables, by the gate and by the staging models.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

import duckdb


@dataclass(frozen=True)
class Column:
    """One column of a dataset: its DuckDB type and whether a row is nothing without it."""

    name: str
    type: str
    required: bool = True


@dataclass(frozen=True)
class Dataset:
    """One dataset of the input format.

    `key` names what a row is about; two rows with equal keys are versions of one thing. `moment` is the column that
    says when, on the grid of the row's timeframe (days where the dataset has no timeframe). `value_columns` is what a
    vendor may restate.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    moment: str | None = None
    is_required: bool = False
    has_vendor: bool = True

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def has_timeframe(self) -> bool:
        return "timeframe" in self.column_names

    @property
    def has_known_at(self) -> bool:
        return "known_at" in self.column_names

    @property
    def value_columns(self) -> tuple[str, ...]:
        return tuple(name for name in self.column_names if name not in (*self.key, "known_at"))

    @property
    def full_key(self) -> tuple[str, ...]:
        """The key in a warehouse that holds several vendors."""
        return ("vendor", *self.key) if self.has_vendor else self.key

    @property
    def optional_key(self) -> tuple[str, ...]:
        """What of the key may be missing."""
        return tuple(column.name for column in self.columns if column.name in self.key and not column.required)

    @property
    def own_key(self) -> str:
        """SQL for what tells a row apart from others of its token, timeframe and moment, as text; NULL if nothing."""
        names = [name for name in self.key if name not in ("token_id", "timeframe", self.moment)]
        return " || ' ' || ".join(f"{name}::varchar" for name in names) if names else "null::varchar"

    @property
    def bar(self) -> str:
        """SQL for the length of the bar that a row belongs to."""
        return "bar_length(timeframe)" if self.has_timeframe else "interval 1 day"


# Under this name a source hands over what a row holds beyond its columns; such a row is not to be trusted.
SURPLUS = "cells beyond the header"

KNOWN_AT = Column("known_at", "TIMESTAMP", required=False)

TOKENS = Dataset(
    name="tokens",
    columns=(
        Column("token_id", "BIGINT"),
        Column("symbol", "VARCHAR"),
        Column("name", "VARCHAR", required=False),
        Column("categories", "VARCHAR[]", required=False),
        Column("sector", "VARCHAR", required=False),
    ),
    key=("token_id",),
    is_required=True,
    has_vendor=False,
)
PRICES = Dataset(
    name="prices",
    columns=(
        Column("token_id", "BIGINT"),
        Column("timeframe", "VARCHAR"),
        Column("bar_start", "TIMESTAMP"),
        Column("open", "DOUBLE"),
        Column("high", "DOUBLE"),
        Column("low", "DOUBLE"),
        Column("close", "DOUBLE"),
        Column("volume_usd", "DOUBLE", required=False),
        Column("price_source", "VARCHAR", required=False),
    ),
    key=("token_id", "timeframe", "bar_start", "price_source"),
    moment="bar_start",
    is_required=True,
    has_vendor=False,
)
SIGNALS = Dataset(
    name="signals",
    columns=(
        Column("token_id", "BIGINT"),
        Column("timeframe", "VARCHAR"),
        Column("signal_at", "TIMESTAMP"),
        Column("direction", "INTEGER"),
        Column("trend", "INTEGER", required=False),
        Column("score", "DOUBLE", required=False),
        KNOWN_AT,
    ),
    key=("token_id", "timeframe", "signal_at"),
    moment="signal_at",
    is_required=True,
)
LEVELS = Dataset(
    name="levels",
    columns=(
        Column("token_id", "BIGINT"),
        Column("timeframe", "VARCHAR"),
        Column("level_at", "TIMESTAMP"),
        Column("price", "DOUBLE"),
        Column("side", "VARCHAR", required=False),
        Column("strength", "DOUBLE", required=False),
        Column("formed_at", "TIMESTAMP", required=False),
        KNOWN_AT,
    ),
    key=("token_id", "timeframe", "level_at", "price"),
    moment="level_at",
)
GRADES = Dataset(
    name="grades",
    columns=(
        Column("token_id", "BIGINT"),
        Column("kind", "VARCHAR"),
        Column("graded_at", "TIMESTAMP"),
        Column("grade", "DOUBLE"),
        Column("label", "VARCHAR", required=False),
        Column("components", "JSON", required=False),
        KNOWN_AT,
    ),
    key=("token_id", "kind", "graded_at"),
    moment="graded_at",
)
QUANTMETRICS = Dataset(
    name="quantmetrics",
    columns=(
        Column("token_id", "BIGINT"),
        Column("measured_at", "TIMESTAMP"),
        Column("lookback", "VARCHAR", required=False),
        Column("sharpe", "DOUBLE", required=False),
        Column("sortino", "DOUBLE", required=False),
        Column("volatility", "DOUBLE", required=False),
        Column("max_drawdown", "DOUBLE", required=False),
        Column("cagr", "DOUBLE", required=False),
        KNOWN_AT,
    ),
    key=("token_id", "measured_at", "lookback"),
    moment="measured_at",
)

# In the order the gate takes them: tokens first, because the others are checked against them.
DATASETS = {dataset.name: dataset for dataset in (TOKENS, PRICES, SIGNALS, LEVELS, GRADES, QUANTMETRICS)}


@dataclass(frozen=True)
class Response:
    """One body as the source delivered it: where it came from, and its bytes (or the file that holds them)."""

    name: str
    content: bytes | Path
    request: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Delivery:
    """All responses that make up one dataset at one fetch.

    `since` is the first day that it holds whole for every token in it, so that a row of that day or later which it
    lacks is gone from the source; None is what it can tell by itself: a token's history begins with its first row.
    """

    dataset: str
    responses: tuple[Response, ...]
    since: date | None = None


@dataclass(frozen=True)
class Wanted:
    """What a fetch is to bring: the source as it stands at `as_of` (UTC, no zone), and how much of it.

    A source whose calls cost something asks only for the `timeframes`, the days `since`..`until` (both included, None
    is what the source takes for the newest) and the `token_ids` (None is all) named. One that delivers whole files may
    deliver more: rows that say nothing new add nothing. `home` is where a source keeps what it has paid for, `run_id`
    the run that its ledgers name.
    """

    as_of: datetime
    home: Path
    timeframes: tuple[str, ...] = ("1d", "1h")
    since: date | None = None
    until: date | None = None
    token_ids: frozenset[int] | None = None
    run_id: str | None = None


class Source(Protocol):
    """Where rows come from.

    `name` and `vendor` label what it delivers. `is_archive` says that old data is no fault (no freshness warning
    beyond a remark), and that it can be read again at any time; what another source has delivered once is gone, and is
    loaded by a later run if its own could not. `is_simulated` stamps every page made from it. `told` is what an
    operator should hear of the last fetch. `delivers_whole` says that it delivers all it has, whatever is wanted;
    `no_history` names the datasets whose past it does not offer: a day that was missed is lost.
    """

    name: str
    vendor: str
    is_archive: bool
    is_simulated: bool
    told: Sequence[str]
    delivers_whole: bool
    no_history: frozenset[str]

    def default_as_of(self) -> datetime | None:
        """The moment a run lives at when nobody says one; None is our wall clock."""

    def fetch(self, wanted: Wanted) -> Iterator[Delivery]:
        """Deliver each dataset as the source holds it at `wanted.as_of`.

        Raises SourceError, naming what could not be read and what to do, where the source cannot deliver.
        """

    def parse(
        self, connection: duckdb.DuckDBPyConnection, dataset: Dataset, kept: list[Path]
    ) -> duckdb.DuckDBPyRelation:
        """Read kept bodies of one dataset into rows, columns named as they came.

        Raises SourceError where a body cannot be read.
        """


@runtime_checkable
class PaidByTheCall(Protocol):
    """A source whose calls cost something: it is told of all fetches of a run before the first, and after the last."""

    def begin(self, readings: Sequence[Wanted]) -> None:
        """Get ready for these fetches. Raises CreditsSpent where the month does not pay for all of them."""

    def settle(self) -> None:
        """Let go of what was held for a run that dies half way: everything that was fetched is kept."""
