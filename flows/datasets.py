"""The datasets of the input format (contract, section 2), declared once.

Every source, the raw tables, the gate and the models over them follow these declarations.
"""

from dataclasses import dataclass


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
    gives its time, on the grid of the row's timeframe (days where the dataset has no timeframe). `value_columns` is
    what a vendor may restate.
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
        """SQL for the rest of the key, beside token, timeframe and moment, as text; NULL if there is none."""
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
