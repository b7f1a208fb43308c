"""The datasets of the input format (contract, section 2), declared once.

Every source, the raw tables, the gate and the models over them follow these declarations.
"""

from dataclasses import dataclass

from flows.timeframes import DAILY, TIMEFRAMES


@dataclass(frozen=True)
class Column:
    """One column of a dataset: its DuckDB type and whether a row is nothing without it."""

    name: str
    type: str
    required: bool = True


@dataclass(frozen=True)
class Dataset:
    """One dataset of the input format, and all that the loops over datasets ask of it.

    `as_of_table` is the table of its versions, by which one asks what was known when. `key` names what a row is about;
    two rows with equal keys are versions of one thing. `moment` is the column that gives its time, on the grid of the
    row's timeframe (days where the dataset has no timeframe). `value_columns` is what a vendor may restate.
    """

    name: str
    as_of_table: str
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

    def is_same(self, left: str, right: str) -> str:
        """SQL for whether two versions of a row, by the names of their tables or structs, hold the same values."""
        return " and ".join(self.is_same_value(name, f"{left}.", f"{right}.") for name in self.value_columns)

    def is_same_value(self, name: str, left: str, right: str) -> str:
        """SQL for whether a column is the same in two versions of a row; `left` and `right` precede its name."""
        compared = {"DOUBLE": "is_same_number({}, {})", "JSON": "is_same_components({}, {})"}
        kind = next(column.type for column in self.columns if column.name == name)
        return compared.get(kind, "{} is not distinct from {}").format(f"{left}{name}", f"{right}{name}")

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
    def is_feed(self) -> bool:
        """Whether its rows are about moments, so that some are expected of each bar and old ones can be restated."""
        return self.moment is not None

    @property
    def is_read_again(self) -> bool:
        """Whether it is a vendor's history, read again, in which rows can appear and from which they can vanish."""
        return self.is_feed and self.has_vendor

    @property
    def vendor_column(self) -> str:
        """SQL for the vendor of a row in a select, under that name; NULL where the market speaks."""
        return "vendor" if self.has_vendor else "null::varchar as vendor"

    @property
    def timeframe_column(self) -> str:
        """SQL for the timeframe of a row in a select, under that name."""
        return "timeframe" if self.has_timeframe else f"{self.timeframe} as timeframe"

    @property
    def timeframe(self) -> str:
        """SQL for the timeframe of a row; what has none goes by days."""
        return "timeframe" if self.has_timeframe else f"'{DAILY}'"

    @property
    def bar(self) -> str:
        """SQL for the length of the bar that a row belongs to."""
        return "bar_length(timeframe)" if self.has_timeframe else TIMEFRAMES[DAILY].interval


# Under this name a source hands over what a row holds beyond its columns; such a row is not to be trusted.
SURPLUS = "cells beyond the header"

KNOWN_AT = Column("known_at", "TIMESTAMP", required=False)

# The one moment of a row that may lie in the future.
EXPIRES_AT = Column("expires_at", "TIMESTAMP", required=False)

TOKENS = Dataset(
    name="tokens",
    as_of_table="core.token",
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
    as_of_table="core.price_bar",
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
    as_of_table="core.signal",
    columns=(
        Column("token_id", "BIGINT"),
        Column("timeframe", "VARCHAR"),
        Column("signal_at", "TIMESTAMP"),
        Column("direction", "INTEGER"),
        Column("trend", "INTEGER", required=False),
        Column("score", "DOUBLE", required=False),
        Column("claimed_return", "DOUBLE", required=False),
        Column("claimed_hold_return", "DOUBLE", required=False),
        Column("stop_price", "DOUBLE", required=False),
        Column("target_price", "DOUBLE", required=False),
        EXPIRES_AT,
        KNOWN_AT,
    ),
    key=("token_id", "timeframe", "signal_at"),
    moment="signal_at",
    is_required=True,
)
LEVELS = Dataset(
    name="levels",
    as_of_table="core.level",
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
    as_of_table="core.grade",
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
    as_of_table="core.quantmetric",
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
