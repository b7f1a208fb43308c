"""Every rule of the first gate, declared once: what it asks, how much it matters, what to do when it fails.

A rule asks through Great Expectations expectations, stored here as class name and arguments so that reading the
rules costs no import. Their columns are the dataset's, or helper columns that the gate derives in SQL.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from flows.datasets import DATASETS
from flows.timeframes import TIMEFRAMES

Severity = Literal["critical", "warning"]
Scope = Literal["row", "dataset"]

ALL = tuple(DATASETS)
DATED = tuple(name for name, dataset in DATASETS.items() if dataset.is_feed)
STAMPED = tuple(name for name, dataset in DATASETS.items() if dataset.has_known_at)
FRAMED = tuple(name for name, dataset in DATASETS.items() if dataset.has_timeframe)
FROM_VENDORS = tuple(name for name, dataset in DATASETS.items() if dataset.has_vendor)
ABOUT_TOKENS = tuple(name for name in DATASETS if name != "tokens")

# The largest finite double: what is above it is infinite.
LARGEST = 1.7976931348623157e308

# A close this many times above, or this fraction of, both its neighbours is a bad print (issue: 5x).
SPIKE = 5.0
# Vendors add and drop a few tokens a day; a hundredth of the rows is more than that.
MAX_LOST_ROWS = 0.01
# Two vendors of their own agree on a side now and then, and on their scores hardly ever.
MAX_REPEATED = 0.8
# Half of the weekends: a calendar of exchanges with closing hours lacks all of them, a halt lacks a few.
MAX_MISSING_WEEKENDS = 0.5

Bound = float | Literal["max_quarantined_share", "max_vanished_share", "stale_after_days"]


@dataclass(frozen=True)
class Expectation:
    """One expectation: its class in `great_expectations.expectations`, and its arguments.

    A text under `min_value`, `max_value` or `value_set` names the setting that holds the bound or the values.
    """

    kind: str
    kwargs: Mapping[str, object]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it looks at."""
        return tuple(str(self.kwargs[name]) for name in ("column", "column_A", "column_B") if name in self.kwargs)


@dataclass(frozen=True)
class Rule:
    """One rule for some datasets.

    A `row` rule is asked of every row, a `dataset` rule of the dataset's summary. A failing row leaves for
    `ops.quarantine` where `is_quarantined`; a critical dataset rule that fails stops the run. `is_acceptable`
    marks a rule that `trackrecord accept` may overrule: a row rule only where the data could be right.
    """

    name: str
    datasets: tuple[str, ...]
    severity: Severity
    scope: Scope
    reason: str
    expectations: tuple[Expectation, ...]
    is_quarantined: bool = False
    is_acceptable: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns its expectations look at, each once."""
        return tuple(dict.fromkeys(name for one in self.expectations for name in one.columns))


def between(
    column: str,
    min_value: Bound | None = None,
    max_value: Bound | None = None,
    *,
    is_above: bool = False,
) -> Expectation:
    """Expect values within bounds, `is_above` without the lower one. An absent value is not asked."""
    bounds = {"min_value": min_value, "max_value": max_value}
    kwargs: dict[str, object] = {"column": column} | {k: v for k, v in bounds.items() if v is not None}
    if is_above:
        kwargs["strict_min"] = True
    return Expectation("ExpectColumnValuesToBeBetween", kwargs)


def one_of(column: str, *values: object) -> Expectation:
    """Expect one of some values. An absent value is not asked."""
    return Expectation("ExpectColumnValuesToBeInSet", {"column": column, "value_set": list(values)})


def none_of(column: str, *values: object) -> Expectation:
    """Expect none of some values. An absent value is not asked."""
    return Expectation("ExpectColumnValuesToNotBeInSet", {"column": column, "value_set": list(values)})


def empty(column: str) -> Expectation:
    """Expect no value."""
    return Expectation("ExpectColumnValuesToBeNull", {"column": column})


def at_least(column: str, other: str) -> Expectation:
    """Expect a value at or above another of the same row, where both are there."""
    kwargs = {
        "column_A": column,
        "column_B": other,
        "or_equal": True,
        "ignore_row_if": "either_value_is_missing",
    }
    return Expectation("ExpectColumnPairValuesAToBeGreaterThanB", kwargs)


def _row(name: str, datasets: Iterable[str], reason: str, *expectations: Expectation) -> Rule:
    """A row that fails cannot be used and leaves."""
    return Rule(name, tuple(datasets), "critical", "row", reason, expectations, is_quarantined=True)


def _remark(name: str, datasets: Iterable[str], reason: str, *expectations: Expectation) -> Rule:
    """A row that fails stays and is counted."""
    return Rule(name, tuple(datasets), "warning", "row", reason, expectations)


def _stop(name: str, datasets: Iterable[str], reason: str, expectation: Expectation) -> Rule:
    """A dataset that fails stops the run."""
    return Rule(name, tuple(datasets), "critical", "dataset", reason, (expectation,), is_acceptable=True)


def _notice(name: str, datasets: Iterable[str], reason: str, expectation: Expectation) -> Rule:
    """A dataset that fails goes on and is reported."""
    return Rule(name, tuple(datasets), "warning", "dataset", reason, (expectation,))


ROW_RULES = (
    _row(
        "type_fits",
        ALL,
        "A cell could not be read as its column's type; mend the cell, or the export that wrote it.",
        empty("unfit_columns"),
    ),
    _row(
        "value_present",
        ALL,
        "A required value is absent or not a number; deliver the row complete or leave it out.",
        empty("absent_columns"),
    ),
    Rule(
        "key_repeated",
        ALL,
        "warning",
        "row",
        "The same row came more than once; the first is kept and the copies are set aside, "
        "check whether the export overlaps.",
        (between("copy_number", max_value=1),),
        is_quarantined=True,
    ),
    Rule(
        "superseded_by_later_file",
        DATED,
        "warning",
        "row",
        "The bar was still open when this file was written; a later file has it, and the row of the file that was "
        "written last is taken.",
        (between("n_later_files", max_value=0),),
        is_quarantined=True,
    ),
    Rule(
        "superseded_in_bar",
        FROM_VENDORS,
        "warning",
        "row",
        "Several rows of one vendor and token lie in one bar: the last one published counts, those before it are "
        "quarantined; where each is a trade of its own, deliver them at a shorter timeframe.",
        (between("place_in_bar", max_value=1),),
        is_quarantined=True,
    ),
    _row(
        "key_contradicted",
        ALL,
        "Rows with one key say different things and nothing tells which is right; deliver one of them.",
        between("n_versions", max_value=1),
    ),
    _row(
        "text_printable",
        ALL,
        "A text is longer than 200 characters, or has control characters, line breaks or characters that cannot be "
        "seen in it; mend the cell, or the export that wrote it.",
        empty("unprintable_columns"),
    ),
    _row(
        "symbol_unique",
        ALL,
        "A symbol stands for more than one token, and the file has no token_id: give the tokens symbols of their own, "
        "or deliver token_id in every file.",
        empty("shared_symbol"),
    ),
    _row(
        "token_known",
        ABOUT_TOKENS,
        "The row is about a token that no accepted delivery of tokens names; add the token to tokens.",
        empty("unknown_token_id"),
    ),
    _row(
        "timeframe_known",
        FRAMED,
        f"The timeframe is not in use; if it is one of {', '.join(TIMEFRAMES)}, add it to TRACKRECORD_TIMEFRAMES, "
        "else rename it, or leave the rows out.",
        Expectation("ExpectColumnValuesToBeInSet", {"column": "timeframe", "value_set": "timeframes"}),
    ),
    _row(
        "not_in_future",
        DATED,
        "A timestamp lies after the moment the run lives at; check the clock and time zone of the source.",
        between("seconds_ahead", max_value=0),
    ),
    _row(
        "known_after_made",
        STAMPED,
        "A value cannot be known before the moment it is about; check the time zones of both columns.",
        between("seconds_until_known", min_value=0),
    ),
    _row(
        "sector_allowed",
        ("tokens",),
        "A sector is called all, which stands for all of them together; name the sector, or leave the cell empty.",
        none_of("sector", "all"),
    ),
    _row(
        "bar_on_grid",
        ("prices",),
        "The bar begins off the grid of its timeframe: bars that end at another hour than UTC midnight are another "
        "market's days, not ours; correct the time zone, or declare the offset.",
        one_of("is_snapped", False),
    ),
    _remark(
        "on_grid",
        FROM_VENDORS,
        "The moment was off the grid of its timeframe and belongs to the first bar that begins at or after it, so that "
        'nothing is entered too early; where it is when the row was published, declare moment = "published".',
        one_of("is_late", False),
    ),
    _row(
        "price_positive",
        ("prices",),
        "A price is zero, negative or infinite; correct the bar or leave it out.",
        *(between(name, 0, LARGEST, is_above=True) for name in ("open", "high", "low", "close")),
    ),
    _row(
        "ohlc_ordered",
        ("prices",),
        "The bar's high is not its highest price, or its low not its lowest; check the order of the columns.",
        at_least("high", "highest_price"),
        at_least("lowest_price", "low"),
    ),
    _remark(
        "volume_not_negative",
        ("prices",),
        "A volume is below zero; scores do not use it, but tell the source.",
        between("volume_usd", min_value=0),
    ),
    Rule(
        "spike",
        ("prices",),
        "critical",
        "row",
        "The close is more than five times, or less than a fifth of, the closes on both sides, and the next open does "
        "not agree with it: a bad print; "
        "correct it, or accept the rule for this snapshot when the price was real.",
        (between("times_neighbours", 1 / SPIKE, SPIKE),),
        is_quarantined=True,
        is_acceptable=True,
    ),
    Rule(
        "spike_unconfirmed",
        ("prices",),
        "warning",
        "row",
        "The newest close is more than five times, or less than a fifth of, the one before, and nothing yet says which "
        "is wrong: the bar waits until the next one comes, or the token has been silent for three days.",
        (between("times_previous", 1 / SPIKE, SPIKE),),
        is_quarantined=True,
        is_acceptable=True,
    ),
    _row(
        "direction_allowed",
        ("signals",),
        "A direction is -1, 0 or 1; translate the vendor's words before delivery.",
        one_of("direction", -1, 0, 1),
    ),
    _row(
        "trend_allowed",
        ("signals",),
        "A trend is -1, 0, 1 or empty; translate the vendor's words before delivery.",
        one_of("trend", -1, 0, 1),
    ),
    _row(
        "stop_and_target_positive",
        ("signals",),
        "A stop or a target is zero, negative or infinite; give its price in USD, or leave the cell empty.",
        *(between(name, 0, LARGEST, is_above=True) for name in ("stop_price", "target_price")),
    ),
    _row(
        "target_beyond_stop",
        ("signals",),
        "The target of a long lies above its stop, that of a short below; check the order of the two columns and the "
        "sign of the direction.",
        between("target_beyond_stop", 0, is_above=True),
    ),
    _remark(
        "expires_after_made",
        ("signals",),
        "A signal expires at or before the moment it is about and never stands; check the time zones of both columns.",
        between("seconds_until_expired", 0, is_above=True),
    ),
    _row(
        "level_positive",
        ("levels",),
        "The price of a level is zero, negative or infinite; correct the level or leave it out.",
        between("price", 0, LARGEST, is_above=True),
    ),
    _row(
        "side_allowed",
        ("levels",),
        "A side is support, resistance or empty; translate the vendor's words before delivery.",
        one_of("side", "support", "resistance"),
    ),
    _row(
        "grade_in_range",
        ("grades",),
        "A grade lies between 0 and 100; rescale the vendor's scale before delivery.",
        between("grade", 0, 100),
    ),
    _remark(
        "drawdown_in_range",
        ("quantmetrics",),
        "A drawdown is a fraction between -1 and 0; check the sign and whether the vendor gives percent.",
        between("max_drawdown", -1, 0),
    ),
    _remark(
        "volatility_in_range",
        ("quantmetrics",),
        "A volatility is a finite number at or above 0; ask the vendor what it means.",
        between("volatility", 0, LARGEST),
    ),
    _remark(
        "cagr_in_range",
        ("quantmetrics",),
        "A yearly growth is a finite fraction at or above -1; check whether the vendor gives percent.",
        between("cagr", -1, LARGEST),
    ),
    _remark(
        "ratios_finite",
        ("quantmetrics",),
        "A Sharpe or Sortino ratio is infinite: the vendor divided by no deviation; treat it as unknown.",
        between("sharpe", -LARGEST, LARGEST),
        between("sortino", -LARGEST, LARGEST),
    ),
)

NO_ROWS = "The delivery holds no rows; check the source and the as-of moment, then fetch again."

DATASET_RULES = (
    _stop(
        "columns_present",
        ALL,
        "A required column is missing; deliver it under the name of the input format.",
        between("n_missing_columns", max_value=0),
    ),
    _stop("rows_present", ("tokens", "prices"), NO_ROWS, between("n_rows", min_value=1)),
    _notice(
        "rows_present",
        [name for name in ALL if name not in ("tokens", "prices")],
        NO_ROWS,
        between("n_rows", min_value=1),
    ),
    _stop(
        "quarantined_share",
        ALL,
        "Too many rows broke critical rules for the rest to be trusted; mend the source and deliver again.",
        between("quarantined_share", max_value="max_quarantined_share"),
    ),
    _stop(
        "tokens_kept",
        ALL,
        "Too many tokens of the last accepted delivery are gone; check that this one is complete.",
        between("vanished_share", max_value="max_vanished_share"),
    ),
    _notice(
        "rows_kept",
        ALL,
        "The delivery has fewer rows than the last accepted one; check that it is complete.",
        between("lost_share", max_value=MAX_LOST_ROWS),
    ),
    _notice(
        "categories_mapped",
        ("tokens",),
        "None of a token's categories is known, so that its sector is `other`; check how they are written, or give "
        "the token a sector.",
        between("n_unmapped", max_value=0),
    ),
    _notice(
        "freshness",
        DATED,
        "The newest row is old: fine for an archive, else ask why the source fell silent.",
        between("newest_age_days", max_value="stale_after_days"),
    ),
    _stop(
        "weekends_present",
        ("prices",),
        "More than half of the weekends have no bar in which a price moved or a volume is given, but these markets "
        "never close; deliver all seven days of the week.",
        between("missing_weekend_share", max_value=MAX_MISSING_WEEKENDS),
    ),
    _stop(
        "known_at_all_or_none",
        ("signals",),
        "Some rows of a vendor and timeframe have a known_at and others none; give it to all or to none.",
        between("n_without_known_at", max_value=0),
    ),
    _stop(
        "vendor_not_renamed",
        ("signals",),
        "A vendor that is new in this home has the calls of another one, as after a folder was renamed or has a date "
        "in its name; name it with --vendor or in trackrecord.toml as before, or every call counts twice.",
        between("repeated_share", max_value=MAX_REPEATED),
    ),
)

RULES = (*ROW_RULES, *DATASET_RULES)

# What `trackrecord accept` may name.
ACCEPTABLE = tuple(dict.fromkeys(rule.name for rule in RULES if rule.is_acceptable))


def rules_for(dataset: str, scope: Scope) -> tuple[Rule, ...]:
    """The rules of one scope for a dataset, in the order they are reported."""
    return tuple(rule for rule in RULES if rule.scope == scope and dataset in rule.datasets)
