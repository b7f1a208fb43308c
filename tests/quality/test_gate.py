"""Every rule of the gate has an input that fails it and no other rule; good rows go on."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from flows.config import Settings
from flows.datasets import DATASETS
from flows.errors import SourceError
from flows.home.raw_store import keep
from flows.quality import gate as gate_module
from flows.quality.gate import GateResult, RuleResult
from flows.quality.pages import write_checks
from flows.quality.rules import ACCEPTABLE, RULES, rules_for
from flows.quality.suites import Suites
from flows.quality.summary import LastSnapshot, delivered_token_ids
from flows.warehouse.connection import prepare
from flows.warehouse.snapshots import take_snapshot
from tests.product import make_run

from .conftest import AS_OF, COVERED, TOKEN_IDS, Gate, clean_frames, failed

Mutate = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Mutation:
    """A change to the clean frame of one dataset, the rule that then fails, and the rows (from 1) that fail it."""

    rule: str
    dataset: str
    change: Mutate
    rows: frozenset[int]
    is_text: bool = False

    @property
    def id(self) -> str:
        return f"{self.rule}-{self.dataset}-{abs(hash(self.rows)) % 100}"


def put(value: object, *columns: str, row: int = 40) -> Mutate:
    """Set a value in some cells of one row (from 1)."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        changed = frame.astype(dict.fromkeys(columns, object)) if isinstance(value, str) else frame.copy()
        for column in columns:
            if value is None or (isinstance(value, float) and value != value):
                changed[column] = changed[column].astype("float64") if column != "symbol" else changed[column]
            changed.loc[row - 1, column] = value
        return changed

    return change


def repeat(row: int = 5, **values: object) -> Mutate:
    """Append a copy of one row, with some cells changed."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        copy = frame.iloc[[row - 1]].assign(**values)
        return pd.concat([frame, copy], ignore_index=True)

    return change


def broken(
    rule: str, dataset: str, change: Mutate, row: int | tuple[int, ...] = 40, *, is_text: bool = False
) -> Mutation:
    return Mutation(rule, dataset, change, frozenset([row] if isinstance(row, int) else row), is_text)


PRICE_COLUMNS = ("open", "high", "low", "close")
INFINITE = float("inf")
NAN = float("nan")

# One restated value for each dataset.
OTHER_VALUES: dict[str, dict[str, object]] = {
    "tokens": {"symbol": "OTHER"},
    "prices": {"volume_usd": 2e6},
    "signals": {"trend": -1},
    "levels": {"strength": 9.0},
    "grades": {"grade": 61.0},
    "quantmetrics": {"sharpe": 2.0},
}


def n_clean(dataset: str) -> int:
    return len(TOKEN_IDS) if dataset == "tokens" else 90


ROW_MUTATIONS = [
    *(broken("type_fits", name, put("forty", "token_id"), is_text=True) for name in DATASETS),
    broken("type_fits", "prices", put("forty", "close"), is_text=True),
    broken("type_fits", "prices", put("31.01.2026", "bar_start"), is_text=True),
    broken("type_fits", "signals", put("1.5", "direction"), is_text=True),
    broken("value_present", "tokens", put(None, "symbol")),
    *(broken("value_present", "prices", put(NAN, column)) for column in PRICE_COLUMNS),
    *(broken("value_present", "prices", put(empty, "close"), is_text=True) for empty in ("NaN", "n/a", "None")),
    broken("value_present", "prices", put("", "timeframe"), is_text=True),
    *(broken("key_repeated", name, repeat(), n_clean(name) + 1) for name in DATASETS),
    *(
        broken("key_contradicted", name, repeat(**values), (5, n_clean(name) + 1))
        for name, values in OTHER_VALUES.items()
    ),
    broken("text_printable", "tokens", put("Bit\x07coin", "symbol")),
    broken("text_printable", "tokens", put("Bit\ncoin", "symbol"), is_text=True),
    broken("text_printable", "tokens", put("B" * 201, "symbol")),
    broken("text_printable", "prices", put("spot\u200b", "price_source")),
    broken("text_printable", "grades", put("buy\x1b[31m", "label")),
    *(
        broken("superseded_in_bar", name, repeat(known_at=known_at, **OTHER_VALUES[name]), row)
        for name, known_at, row in (
            ("signals", pd.Timestamp("2026-01-06 07:00"), 5),
            ("signals", pd.Timestamp("2026-01-05 07:00"), 91),
        )
    ),
    *(broken("token_known", name, put(999, "token_id")) for name in DATASETS if name != "tokens"),
    *(broken("timeframe_known", name, put("4h", "timeframe")) for name in ("prices", "signals", "levels")),
    *(
        broken("not_in_future", name, put(pd.Timestamp("2026-02-01"), dataset.moment or ""))
        for name, dataset in DATASETS.items()
        if dataset.moment and name != "signals"
    ),
    broken("not_in_future", "signals", put(pd.Timestamp(AS_OF) + pd.Timedelta(seconds=1), "known_at")),
    broken("known_after_made", "signals", put(pd.Timestamp("2025-12-31"), "known_at")),
    broken("sector_allowed", "tokens", lambda frame: frame.assign(sector=[*["DeFi"] * 39, "all"])),
    broken("bar_on_grid", "prices", put(pd.Timestamp("2026-01-10 07:30"), "bar_start")),
    broken("on_grid", "grades", put(pd.Timestamp("2026-01-30 00:00:01"), "graded_at", row=60), row=60),
    *(broken("price_positive", "prices", put(bad, *PRICE_COLUMNS)) for bad in (0.0, -1.0, INFINITE)),
    broken("price_positive", "prices", put(INFINITE, "high")),
    broken("ohlc_ordered", "prices", put(90.0, "high")),
    broken("ohlc_ordered", "prices", put(200.0, "low")),
    broken("volume_not_negative", "prices", put(-1.0, "volume_usd")),
    broken("spike", "prices", put(1000.0, "close", "high")),
    broken("spike", "prices", put(2.0, "close", "low")),
    broken("spike_unconfirmed", "prices", put(1000.0, "close", "high", row=60), row=60),
    broken("direction_allowed", "signals", put(2, "direction")),
    broken("trend_allowed", "signals", put(-2, "trend")),
    *(broken("stop_and_target_positive", "signals", put(bad, "stop_price")) for bad in (0.0, -1.0)),
    broken("stop_and_target_positive", "signals", put(INFINITE, "target_price")),
    broken("target_beyond_stop", "signals", put(120.0, "stop_price")),
    broken("target_beyond_stop", "signals", put(90.0, "target_price")),
    broken("target_beyond_stop", "signals", put(-1, "direction")),
    broken("expires_after_made", "signals", put(pd.Timestamp("2026-01-01"), "expires_at")),
    *(broken("level_positive", "levels", put(bad, "price")) for bad in (0.0, -5.0, INFINITE)),
    broken("side_allowed", "levels", put("floor", "side")),
    *(broken("grade_in_range", "grades", put(bad, "grade")) for bad in (-0.1, 100.5, INFINITE)),
    broken("drawdown_in_range", "quantmetrics", put(-30.0, "max_drawdown")),
    broken("volatility_in_range", "quantmetrics", put(-0.1, "volatility")),
    broken("cagr_in_range", "quantmetrics", put(-1.5, "cagr")),
    broken("ratios_finite", "quantmetrics", put(INFINITE, "sortino")),
]

# The rules about a whole delivery; each has its own test below, named after it.
DATASET_RULE_TESTS = {
    "columns_present",
    "rows_present",
    "quarantined_share",
    "tokens_kept",
    "rows_kept",
    "freshness",
    "weekends_present",
    "known_at_all_or_none",
    "categories_mapped",
    "superseded_by_later_file",
    "vendor_not_renamed",
}


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_clean_folder_passes_every_rule(gate: Gate, dataset: str) -> None:
    result = gate.judge(dataset)

    assert failed(result) == set()
    assert gate.bad_rows() == set()
    assert result.n_quarantined == 0
    assert {one.rule for one in result.results} == {rule.name for rule in RULES if dataset in rule.datasets}
    assert all(one.n_checked == n_clean(dataset) for one in result.results[-3:])


@pytest.mark.parametrize("mutation", ROW_MUTATIONS, ids=lambda mutation: mutation.id)
def test_a_broken_row_trips_its_rule_and_no_other_and_the_rest_goes_on(gate: Gate, mutation: Mutation) -> None:
    mutated = mutation.change(clean_frames()[mutation.dataset])
    (gate.write_csv if mutation.is_text else gate.write)(mutation.dataset, mutated)
    rule = next(one for one in rules_for(mutation.dataset, "row") if one.name == mutation.rule)

    result = gate.judge(mutation.dataset)

    assert failed(result) == {mutation.rule}
    rule_result = next(one for one in result.results if one.rule == mutation.rule)
    assert rule_result.n_failed == len(mutation.rows)
    assert rule_result.severity == rule.severity
    suffix = "csv" if mutation.is_text else "parquet"
    assert rule_result.example is not None
    assert rule_result.example.startswith(f"{mutation.dataset}.{suffix}, row {min(mutation.rows)} (")
    assert gate.bad_rows(is_quarantined=rule.is_quarantined) == mutation.rows
    assert gate.bad_rows(is_quarantined=not rule.is_quarantined) == set()
    assert result.n_quarantined == (len(mutation.rows) if rule.is_quarantined else 0)
    assert result.stops == ()


@pytest.mark.parametrize("factor", [1 - 2e-16, 1 - 1e-10, 1 - 9e-7])
def test_prices_that_are_rounded_apart_are_in_order(gate: Gate, factor: float) -> None:
    """A high a hair below the close that it is, a low a hair above the open; twice a millionth is no rounding."""
    prices = clean_frames()["prices"]
    rounded = prices.assign(high=prices["close"] * factor, low=prices["open"] / factor)
    gate.write("prices", rounded)
    assert failed(gate.judge("prices")) == set()
    gate.write("prices", rounded.assign(high=rounded["close"] * (1 - 2e-6)))
    assert "ohlc_ordered" in failed(gate.judge("prices"))


@pytest.mark.parametrize(("dataset", "column"), [("prices", "close"), ("signals", "score"), ("grades", "grade")])
def test_copies_that_are_rounded_apart_do_not_contradict_each_other(gate: Gate, dataset: str, column: str) -> None:
    frame = clean_frames()[dataset]
    value = frame.loc[4, column]
    gate.write(dataset, repeat(**{column: value * (1 + 5e-7)})(frame))
    assert failed(gate.judge(dataset)) == {"key_repeated"}
    gate.write(dataset, repeat(**{column: value * (1 + 5e-6)})(frame))
    assert failed(gate.judge(dataset)) == {"key_contradicted"}


@pytest.mark.parametrize(("close", "next_open"), [(1000.0, 900.0), (1000.0, 210.0), (2.0, 2.5), (2.0, 9.9)])
def test_a_close_that_the_next_open_agrees_with_is_no_spike(gate: Gate, close: float, next_open: float) -> None:
    """A thin coin trades far off for an hour: somebody could have bought there."""
    prices = put(close, "close", "high" if close > 100 else "low")(clean_frames()["prices"])
    prices = put(next_open, "open", "high" if close > 200 else "low", row=41)(prices)
    gate.write("prices", prices)
    assert failed(gate.judge("prices")) == set()


@pytest.mark.parametrize("next_open", [199.0, 110.0, 30.0])
def test_a_close_that_no_neighbour_agrees_with_is_a_spike(gate: Gate, next_open: float) -> None:
    prices = put(1000.0, "close", "high")(clean_frames()["prices"])
    prices = put(next_open, "open", row=41)(prices)
    gate.write("prices", put(250.0, "high", row=41)(put(20.0, "low", row=41)(prices)))
    assert failed(gate.judge("prices")) == {"spike"}


def test_every_declared_rule_has_an_input_that_trips_it() -> None:
    # A shared symbol needs a folder without ids, which test_symbols.py has.
    tested = {mutation.rule for mutation in ROW_MUTATIONS} | DATASET_RULE_TESTS | {"symbol_unique"}
    named = {name for name in globals() if name.startswith("test_")}

    assert tested == {rule.name for rule in RULES}
    assert {rule for rule in DATASET_RULE_TESTS if not any(name.startswith(f"test_{rule}") for name in named)} == set()


def test_a_warning_quarantines_only_copies_and_what_waits_and_every_reason_is_a_sentence() -> None:
    assert {rule.name for rule in RULES if rule.severity == "warning" and rule.is_quarantined} == {
        "key_repeated",
        "superseded_in_bar",
        "spike_unconfirmed",
        "superseded_by_later_file",
    }
    assert {rule.name for rule in RULES if rule.severity == "critical" and rule.scope == "row"} == {
        rule.name for rule in RULES if rule.severity == "critical" and rule.is_quarantined
    }
    assert all(rule.reason.endswith(".") and len(rule.reason) > 30 for rule in RULES)
    assert len({(rule.name, name) for rule in RULES for name in rule.datasets}) == sum(
        len(rule.datasets) for rule in RULES
    )


@pytest.mark.parametrize("column", ["close", "bar_start", "token_id"])
def test_columns_present_stops_a_delivery_without_a_required_column(gate: Gate, column: str) -> None:
    gate.write("prices", clean_frames()["prices"].drop(columns=column))

    result = gate.judge("prices")

    assert [stop.rule for stop in result.stops] == ["columns_present"]
    assert failed(result) <= {"columns_present", "freshness"}
    message = result.message(12)
    assert f"missing {column};" in message
    assert "prices.columns_present: 1 of 7 failed" in message
    # With a column missing nothing would go on: accepting does not help.
    assert "trackrecord accept" not in message
    assert f'"their name" = "{column}"' in message


def test_an_accepted_missing_column_quarantines_every_row(gate: Gate) -> None:
    gate.write("prices", clean_frames()["prices"].drop(columns="close"))

    result = gate.judge("prices", accepted=frozenset({"columns_present"}))

    assert result.stops == ()
    assert result.n_quarantined == 90


@pytest.mark.parametrize("dataset", DATASETS)
def test_rows_present_is_critical_for_tokens_and_prices_only(gate: Gate, dataset: str) -> None:
    gate.write(dataset, clean_frames()[dataset].head(0))

    result = gate.judge(dataset)

    assert failed(result) == {"rows_present"}
    assert [stop.rule for stop in result.stops] == (["rows_present"] if dataset in ("tokens", "prices") else [])


def test_rows_present_names_the_earliest_moment_when_as_of_lies_before_all_data(gate: Gate) -> None:
    result = gate.judge("prices", as_of=datetime(2020, 5, 1), is_replay=True)

    assert [stop.rule for stop in result.stops] == ["rows_present"]
    assert "2020-05-01 00:00:00 lies before all data" in result.message(1)
    assert "the earliest is of 2026-01-01 00:00:00" in result.message(1)


def test_quarantined_share_stops_above_five_percent_and_not_at_it(gate: Gate) -> None:
    prices = clean_frames()["prices"]
    hundred = pd.concat([prices, prices.head(10).assign(token_id=4)], ignore_index=True)

    def with_bad(n_bad: int) -> GateResult:
        changed = hundred.copy()
        changed.loc[: n_bad - 1, list(PRICE_COLUMNS)] = -1.0
        gate.write("prices", changed)
        return gate.judge("prices")

    assert with_bad(5).stops == ()
    stopped = with_bad(6)
    assert [stop.rule for stop in stopped.stops] == ["quarantined_share"]
    assert stopped.stops[0].n_failed == 6
    assert stopped.stops[0].n_checked == 100
    assert "most by price_positive, prices.parquet, row 1 (open = -1.0" in stopped.message(7)


def test_copies_do_not_count_towards_the_quarantined_share(gate: Gate) -> None:
    prices = clean_frames()["prices"]
    gate.write("prices", pd.concat([prices, prices], ignore_index=True))

    result = gate.judge("prices")

    assert failed(result) == {"key_repeated"}
    assert result.n_quarantined == 90
    assert gate.bad_rows() == set(range(91, 181))


def last_with(n_rows: int, token_ids: range) -> LastSnapshot:
    return LastSnapshot(snapshot_id=3, n_rows=n_rows, token_ids=frozenset(token_ids))


def test_tokens_kept_stops_when_ninety_percent_of_the_tokens_are_gone(gate: Gate) -> None:
    result = gate.judge("prices", last=last_with(90, range(1, 31)))

    assert failed(result) == {"tokens_kept"}
    assert [stop.rule for stop in result.stops] == ["tokens_kept"]
    assert "of snapshot 3's 30 tokens 27 are gone, token_id 4, 5, 6, 7, 8, …" in result.message(4)
    assert gate.judge("prices", last=last_with(90, range(1, 31)), accepted=frozenset({"tokens_kept"})).stops == ()


def test_tokens_kept_lets_a_third_go_and_not_more(gate: Gate) -> None:
    frame = clean_frames()["tokens"]
    last = last_with(36, range(1, 37))
    gate.write("tokens", frame.head(24))
    assert gate.judge("tokens", last=last).stops == ()
    gate.write("tokens", frame.head(23))
    assert [stop.rule for stop in gate.judge("tokens", last=last).stops] == ["tokens_kept"]


def test_rows_kept_remarks_on_lost_rows_and_goes_on(gate: Gate) -> None:
    result = gate.judge("prices", last=last_with(95, range(1, 4)))

    assert failed(result) == {"rows_kept"}
    assert result.stops == ()
    warning = result.warnings[0]
    assert (warning.n_failed, warning.n_checked) == (5, 95)
    assert warning.example == "90 rows, 95 in snapshot 3"


@pytest.mark.parametrize("dataset", [name for name, dataset in DATASETS.items() if dataset.moment])
def test_freshness_is_a_remark_on_old_data(gate: Gate, dataset: str) -> None:
    assert failed(gate.judge(dataset, as_of=AS_OF + timedelta(days=1.9))) == set()

    result = gate.judge(dataset, as_of=AS_OF + timedelta(days=2.1))

    assert failed(result) == {"freshness"}
    assert result.stops == ()
    assert "the source is an archive" in str(result.warnings[0].example)


def test_a_row_of_the_future_does_not_make_an_old_delivery_fresh(gate: Gate) -> None:
    gate.write("prices", put(pd.Timestamp("2030-01-01"), "bar_start")(clean_frames()["prices"]))

    assert failed(gate.judge("prices", as_of=AS_OF + timedelta(days=9))) == {"not_in_future", "freshness"}


def test_weekends_present_refuses_a_folder_of_weekdays(gate: Gate) -> None:
    prices = clean_frames()["prices"]
    gate.write("prices", prices[prices["bar_start"].dt.day_of_week < 5])

    result = gate.judge("prices")

    assert failed(result) == {"weekends_present"}
    assert [stop.rule for stop in result.stops] == ["weekends_present"]
    assert "8 of 8 Saturdays and Sundays have no bar, the first is 2026-01-03" in result.message(2)
    assert "deliver all seven days" in result.message(2)


@pytest.mark.parametrize("sides", [(0, -1), (-1, 0), (0, 1), (1, 0)])
def test_an_exit_at_the_moment_of_the_next_entry_is_no_contradiction(gate: Gate, sides: tuple[int, int]) -> None:
    """As a strategy that turns around lists its trades: in a list of trades the entry is what holds afterwards."""
    columns = ["token_id", "timeframe", "signal_at", "direction"]
    signals = clean_frames()["signals"][columns].iloc[:20]
    turned = pd.concat([signals.assign(direction=side) for side in sides], ignore_index=True)
    gate.write("signals", turned)
    assert "key_contradicted" in failed(gate.judge("signals"))

    gate.declare('[signals]\nstyle = "events"\n')

    assert failed(gate.judge("signals")) <= {"superseded_in_bar", "freshness"}
    kept = gate.connection.execute(
        "select distinct direction from incoming where row_number not in "
        "(select row_number from bad_row where is_quarantined)"
    ).fetchall()
    assert kept == [(max(sides, key=abs),)]


@pytest.mark.parametrize("volume", [0.0, None, "left out"])
def test_weekends_filled_with_the_close_of_friday_are_none(gate: Gate, volume: float | str | None) -> None:
    """As exporters of stocks fill them; a price that moves, or a volume, is a bar of an open market."""
    prices = clean_frames()["prices"].sort_values(["token_id", "bar_start"], ignore_index=True)
    is_weekend = prices["bar_start"].dt.day_of_week >= 5
    friday = prices["close"].where(~is_weekend).ffill().fillna(prices["open"])
    filled = prices.copy()
    for name in ("open", "high", "low", "close"):
        filled[name] = prices[name].mask(is_weekend, friday)
    traded = filled.assign(volume_usd=1e6)
    filled["volume_usd"] = prices["volume_usd"].mask(is_weekend, 0.0 if volume == 0 else np.nan)
    if volume == "left out":
        filled = filled.drop(columns="volume_usd")

    gate.write("prices", filled)
    assert failed(gate.judge("prices")) == {"weekends_present"}
    gate.write("prices", traded)
    assert failed(gate.judge("prices")) == set()
    gate.write("prices", filled.assign(close=filled["close"] + is_weekend * 0.5, high=filled["high"] + 0.5))
    assert failed(gate.judge("prices")) == set()


def test_weekends_present_allows_half_a_halt_and_a_short_delivery(gate: Gate) -> None:
    prices = clean_frames()["prices"]
    is_weekend = prices["bar_start"].dt.day_of_week >= 5
    half = prices[~(is_weekend & (prices["bar_start"] < "2026-01-12"))]
    halted = prices[~prices["bar_start"].between("2026-01-06", "2026-01-28")]
    short = prices[~is_weekend & (prices["bar_start"] < "2026-01-14")]
    stray = pd.concat([prices, prices.head(1).assign(bar_start=pd.Timestamp("1970-01-01"))])

    for frame in (half, halted, short, stray):
        gate.write("prices", frame)
        assert failed(gate.judge("prices")) <= {"freshness"}


def test_known_at_all_or_none_stops_a_vendor_that_stamps_some_rows(gate: Gate) -> None:
    signals = clean_frames()["signals"]
    signals.loc[6:8, "known_at"] = pd.NaT
    gate.write("signals", signals)

    result = gate.judge("signals")

    assert failed(result) == {"known_at_all_or_none"}
    assert (result.stops[0].n_failed, result.stops[0].n_checked) == (3, 90)
    assert "vendor, 1d: the first row without a known_at is row 7" in result.message(5)


def test_known_at_may_differ_between_vendors_and_may_be_absent_everywhere(gate: Gate) -> None:
    signals = clean_frames()["signals"]
    bare = signals.assign(known_at=pd.NaT, vendor="bare")
    gate.write("signals", pd.concat([signals.assign(vendor="stamped"), bare], ignore_index=True))
    assert failed(gate.judge("signals")) == set()
    gate.write("signals", signals.drop(columns="known_at"))
    assert failed(gate.judge("signals")) == set()


def test_vendor_not_renamed_stops_a_new_vendor_with_the_calls_of_another_and_names_both(gate: Gate) -> None:
    signals = clean_frames()["signals"].drop(columns=["known_at", "stop_price", "target_price"])
    sides = [1 if (number // 3) % 2 else -1 for number in range(len(signals))]
    signals = signals.assign(direction=sides, trend=sides, vendor="acme-2026-01-01")
    gate.write("signals", signals.head(80))
    gate.read("signals")
    gate.connection.execute(
        "insert into raw.signals by name select 1 as snapshot_id, row_number, vendor, token_id, timeframe, signal_at, "
        "direction, trend, score from incoming"
    )

    def stops_of(frame: pd.DataFrame) -> list[str]:
        gate.write("signals", frame)
        result = gate.judge("signals")
        message = result.message(3)
        assert not result.stops or ("acme-2026-01-02 is new" in message and "those of acme-2026-01-01" in message)
        assert not result.stops or 'vendor = "acme-2026-01-01"' in message
        return [stop.rule for stop in result.stops]

    assert stops_of(signals.assign(vendor="acme-2026-01-02")) == ["vendor_not_renamed"]
    assert stops_of(signals) == []
    assert stops_of(signals.assign(vendor="other", direction=[-side for side in sides])) == []
    half = [side if number % 2 else -side for number, side in enumerate(sides)]
    assert stops_of(signals.assign(vendor="other", direction=half)) == []
    assert stops_of(signals.assign(vendor="other", score=0.75)) == []


def test_a_spike_delivered_twice_does_not_vouch_for_itself(gate: Gate) -> None:
    spiked = put(1000.0, "close", "high")(clean_frames()["prices"])
    gate.write("prices", repeat(40)(spiked))

    result = gate.judge("prices")

    assert failed(result) == {"spike", "key_repeated"}
    assert gate.bad_rows() == {40, 91}


@pytest.mark.parametrize(("n_missing_days", "is_spike"), [(3, True), (4, False)])
def test_a_close_across_a_halt_of_more_than_three_days_has_no_neighbour(
    gate: Gate, n_missing_days: int, is_spike: bool
) -> None:
    prices = put(2.0, "close", "low")(clean_frames()["prices"])
    moment = prices.loc[39, "bar_start"]
    gap = prices["bar_start"].between(moment, moment + pd.Timedelta(days=n_missing_days), inclusive="right") & (
        prices["token_id"] == 2
    )
    gate.write("prices", prices[~gap])

    assert failed(gate.judge("prices")) == ({"spike"} if is_spike else set())


def test_the_first_close_of_a_series_is_no_spike(gate: Gate) -> None:
    gate.write("prices", put(0.01, "close", "low", row=31)(clean_frames()["prices"]))
    assert failed(gate.judge("prices")) == set()


@pytest.mark.parametrize(("n_silent_days", "waits"), [(0, True), (3, True), (4, False)])
def test_a_collapse_waits_for_its_next_bar_until_the_token_is_silent(
    gate: Gate, n_silent_days: int, waits: bool
) -> None:
    prices = put(0.01, "close", "low", row=60)(clean_frames()["prices"])
    died_at = prices.loc[59, "bar_start"] - pd.Timedelta(days=n_silent_days)
    died = prices["token_id"] == 2
    prices.loc[died, "bar_start"] -= pd.Timedelta(days=n_silent_days)
    gate.write("prices", prices)

    assert failed(gate.judge("prices")) == ({"spike_unconfirmed"} if waits else set())
    assert prices.loc[died, "bar_start"].max() == died_at


def test_nights_with_a_bad_print_end_like_one_run_after_them(tmp_path: Path, suites: Suites) -> None:
    """One night gets a close of ten times the price as its last bar; the next night gets the right price."""
    frames = clean_frames()
    frames["prices"] = put(1000.0, "close", "high", row=59)(frames["prices"])
    folder = tmp_path / "vendor"
    folder.mkdir()
    for name, frame in frames.items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)

    def bars_after(home: Path, *nights: datetime) -> list[tuple[object, ...]]:
        with duckdb.connect() as connection:
            settings = Settings(home=home, _env_file=None)
            prepare(connection, settings)
            for as_of in nights:
                run = make_run(folder, settings, as_of=as_of)
                run = replace(run, is_replay=True)
                for delivery in run.source.fetch(run.request):
                    take_snapshot(connection, run, keep(home, delivery, source="files"), suites)
            return connection.execute("select token_id, bar_start, close from raw.prices order by all").fetchall()

    spiked_at = datetime(2026, 1, 29)
    night_after = bars_after(tmp_path / "one", spiked_at + timedelta(days=1, minutes=20))
    assert (2, spiked_at) not in [row[:2] for row in night_after]
    nights = [AS_OF - timedelta(days=days) for days in (1, 0)]
    assert bars_after(tmp_path / "daily", *nights) == bars_after(tmp_path / "once", AS_OF)


def test_an_accepted_spike_goes_on_and_is_still_reported(gate: Gate) -> None:
    gate.write("prices", put(1000.0, "close", "high")(clean_frames()["prices"]))

    result = gate.judge("prices", accepted=frozenset({"spike"}))

    assert failed(result) == {"spike"}
    assert next(one for one in result.results if one.rule == "spike").is_accepted
    assert gate.bad_rows(is_quarantined=False) == {40}
    assert result.n_quarantined == 0


def test_accepting_a_rule_that_cannot_be_accepted_changes_nothing(gate: Gate) -> None:
    gate.write("prices", put(-1.0, *PRICE_COLUMNS)(clean_frames()["prices"]))

    result = gate.judge("prices", accepted=frozenset({"price_positive"}))

    assert "price_positive" not in ACCEPTABLE
    assert result.n_quarantined == 1


def test_the_copy_that_was_known_first_is_kept(gate: Gate) -> None:
    known_first = pd.Timestamp("2026-01-05 12:00")
    gate.write("signals", repeat(known_at=known_first)(clean_frames()["signals"]))

    gate.judge("signals")

    assert gate.bad_rows() == {5}


def test_the_last_row_published_in_a_bar_counts_and_those_before_it_are_superseded(gate: Gate) -> None:
    signals = clean_frames()["signals"].drop(columns=["known_at", "stop_price", "target_price"])
    day = pd.Timestamp("2026-01-04")
    morning, noon, evening = day + pd.Timedelta(hours=9), day + pd.Timedelta(hours=12), day + pd.Timedelta(hours=20)
    # Row 5 is the first token's of the 5th, to which alerts of the day before belong.
    rows = signals.assign(signal_at=signals["signal_at"].where(signals.index != 4, noon))
    rows = pd.concat(
        [rows, rows.iloc[[4]].assign(signal_at=evening), rows.iloc[[4]].assign(signal_at=morning, direction=-1)],
        ignore_index=True,
    )
    gate.write("signals", rows)

    result = gate.judge("signals")

    assert failed(result) == {"superseded_in_bar", "on_grid"}
    assert gate.bad_rows(is_quarantined=True) == {5, 92}
    assert result.stops == ()


def test_of_rows_that_differ_and_came_at_once_nothing_shows_which_is_right(gate: Gate) -> None:
    signals = clean_frames()["signals"].drop(columns=["stop_price", "target_price"])
    at_once = signals.iloc[[4]].assign(direction=-1)
    before = signals.iloc[[4]].assign(direction=0, known_at=pd.Timestamp("2026-01-05 09:00"))
    gate.write("signals", pd.concat([signals, at_once, before], ignore_index=True))

    result = gate.judge("signals")

    assert failed(result) == {"key_contradicted"}
    assert gate.bad_rows() == {5, 91, 92}


def test_a_value_known_between_the_vendors_moment_and_our_bar_was_not_known_too_early(gate: Gate) -> None:
    signals = clean_frames()["signals"]
    moment = pd.Timestamp("2026-01-04 22:00")
    gate.write(
        "signals",
        signals.assign(
            signal_at=signals["signal_at"].where(signals.index != 4, moment),
            known_at=signals["known_at"].where(signals.index != 4, moment + pd.Timedelta(minutes=30)),
        ),
    )

    result = gate.judge("signals")

    assert failed(result) == {"on_grid"}
    assert gate.connection.execute(
        "select signal_at, stated_at, is_snapped from incoming where row_number = 5"
    ).fetchone() == (datetime(2026, 1, 5), datetime(2026, 1, 4, 22), True)


def test_a_row_of_a_bar_that_has_not_begun_is_not_of_the_future(gate: Gate) -> None:
    signals = clean_frames()["signals"]
    last = pd.Timestamp("2026-01-31 00:10")
    gate.write(
        "signals", signals.assign(signal_at=signals["signal_at"].where(signals.index != 29, last), known_at=None)
    )

    result = gate.judge("signals")

    assert failed(result) == {"on_grid"}
    assert gate.bad_rows(is_quarantined=True) == set()


def test_a_zone_is_converted_before_the_future_is_judged(gate: Gate) -> None:
    frame = clean_frames()["signals"]
    frame["known_at"] = frame["known_at"].astype(str) + "T00:00:00+00:00"
    frame.loc[89, "known_at"] = "2026-01-30T20:00:00-05:00"
    gate.write_csv("signals", frame)

    result = gate.judge("signals")

    assert failed(result) == {"not_in_future"}
    assert "seconds_ahead = 2400.0" in str(result.warnings[0].example)


def test_a_byte_order_mark_and_semicolons_pass(gate: Gate) -> None:
    path = gate.write_csv("prices", clean_frames()["prices"])
    path.write_text(path.read_text(encoding="utf-8").replace(",", ";"), encoding="utf-8-sig")

    assert failed(gate.judge("prices")) == set()


def test_a_csv_cut_in_the_middle_of_a_row_is_refused(gate: Gate) -> None:
    path = gate.write_csv("prices", clean_frames()["prices"])
    text = path.read_text(encoding="utf-8")
    # A cut in the middle of a row, after its timeframe.
    path.write_text(text[: text.index(",1d,", len(text) // 2) + 4], encoding="utf-8")

    with pytest.raises(SourceError, match=r"prices\.csv row \d+ has 4 of 9 cells \(.*\): it was cut"):
        gate.judge("prices")


def test_a_parquet_file_cut_in_half_cannot_be_read(gate: Gate) -> None:
    path = gate.folder / "prices.parquet"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(SourceError, match="Deliver the whole file again"):
        gate.judge("prices")


def test_batches_find_what_one_look_finds(gate: Gate) -> None:
    prices = put(-1.0, *PRICE_COLUMNS, row=3)(put(1000.0, "close", "high", row=78)(clean_frames()["prices"]))
    gate.write("prices", repeat(20)(prices))
    whole = gate.judge("prices")
    rows = gate.bad_rows()
    gate.settings = gate.settings.model_copy(update={"gate_batch_rows": 7})

    batched = gate.judge("prices")

    assert rows == gate.bad_rows() == {3, 78, 91}
    assert batched == whole


def test_a_replay_that_hides_rows_judges_all_that_are_left(gate: Gate) -> None:
    gate.write("prices", put(-1.0, *PRICE_COLUMNS, row=75)(clean_frames()["prices"]))
    gate.settings = gate.settings.model_copy(update={"gate_batch_rows": 20})

    result = gate.judge("prices", as_of=datetime(2026, 1, 16), is_replay=True)

    assert failed(result) == {"price_positive"}
    assert gate.bad_rows() == {75}
    assert result.results[-1].n_checked == 45


def test_no_batch_is_larger_than_the_settings_allow(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    gate.settings = gate.settings.model_copy(update={"gate_batch_rows": 25})
    sizes = []
    find = Suites.find

    def watch(self: Suites, dataset: str, rules: object, batch: pd.DataFrame) -> object:
        sizes.append(len(batch))
        return find(self, dataset, rules, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(gate_module.Suites, "find", watch)
    gate.judge("prices")

    assert sizes == [25, 25, 25, 15, 1]


def test_an_expectation_that_cannot_be_evaluated_is_an_error_and_not_a_pass(gate: Gate) -> None:
    rule = replace(next(rule for rule in RULES if rule.name == "grade_in_range"), name="unanswerable")

    with pytest.raises(RuntimeError, match="unanswerable could not be evaluated"):
        gate.suites.find("grades", (rule,), pd.DataFrame({"other": [1.0]}))


def test_what_the_next_delivery_is_compared_with_are_the_tokens_of_this_one(gate: Gate) -> None:
    gate.read("prices")

    assert delivered_token_ids(gate.connection) == frozenset(COVERED)


class TestDataDocs:
    """The pages: readable without a network, bounded, safe to open."""

    @pytest.fixture
    def page(self, gate: Gate, tmp_path: Path) -> str:
        tokens = clean_frames()["tokens"]
        many = pd.concat([tokens] * 2500, ignore_index=True).assign(token_id=range(100_000))
        gate.write("grades", clean_frames()["grades"].assign(grade=-1.0))
        gate.write("tokens", many.assign(symbol=None, name="<script>alert(1)</script>"))
        levels = clean_frames()["levels"].assign(side="<script>alert(1)</script>")
        gate.write("levels", levels)
        folder = tmp_path / "data_docs"
        folder.mkdir()
        (folder / "signals.html").write_text("of a run before", encoding="utf-8")
        settings = gate.settings.model_copy(update={"home": tmp_path})
        with Suites(settings, title="run 1") as gate.suites:
            for name in ("tokens", "grades", "levels"):
                gate.judge(name)
        index = folder / "index.html"
        assert sorted(path.name for path in folder.iterdir()) == [
            "grades.html",
            "index.html",
            "levels.html",
            "tokens.html",
        ]
        return index.read_text() + "".join(path.read_text() for path in sorted(folder.iterdir()))

    def test_they_show_what_failed_and_why_and_load_nothing(self, page: str) -> None:
        assert "run 1" in page
        assert "grade_in_range" in page
        assert "A grade lies between 0 and 100" in page
        assert "grade_in_range (grade ≥ 0 ≤ 100)" in page
        assert "row 1: grade = -1.0" in page
        for outside in ("http://", "https://", "<script", "<link", "<img"):
            assert outside not in page

    def test_they_stay_small_when_a_hundred_thousand_rows_fail(self, page: str) -> None:
        assert "100,000" in page
        assert len(page) < 250_000

    def test_the_second_gate_has_its_line_and_page_also_when_written_twice(self, tmp_path: Path) -> None:
        result = RuleResult("marts", "rate_in_range", "critical", "Why.", False, False, None, 2, "a < b")
        for _ in range(2):
            index = write_checks(tmp_path, [result], title="run 1")

        assert index.read_text().count('href="marts.html"') == 1
        assert "stopped" in index.read_text()
        assert "a &lt; b" in (tmp_path / "marts.html").read_text()


def test_data_docs_of_the_run_before_stay_when_nothing_was_judged(tmp_path: Path) -> None:
    with Suites(Settings(home=tmp_path, _env_file=None)):
        pass

    assert not (tmp_path / "data_docs").exists()


@pytest.mark.parametrize(
    ("dataset", "column", "moment", "rule"),
    [
        ("prices", "bar_start", "infinity", "not_in_future"),
        ("prices", "bar_start", "-infinity", "value_present"),
        ("signals", "known_at", "infinity", "not_in_future"),
        ("signals", "known_at", "-infinity", "known_after_made"),
    ],
)
def test_an_infinite_moment_of_a_parquet_file_is_caught(
    gate: Gate, dataset: str, column: str, moment: str, rule: str
) -> None:
    path = gate.folder / f"{dataset}.parquet"
    gate.connection.execute(
        f"copy (select * replace (case when file_row_number = 39 then '{moment}'::timestamp "
        f"else {column} end as {column}) from read_parquet('{path}', file_row_number = true)) "
        f"to '{path}.new' (format parquet)"
    )
    Path(f"{path}.new").replace(path)

    result = gate.judge(dataset)

    assert failed(result) == {rule}
    assert gate.bad_rows() == {40}


def test_the_gate_needs_no_network(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("the gate reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    fresh = Suites(Settings(home=gate.settings.home, _env_file=None))
    gate.suites = fresh

    assert failed(gate.judge("prices")) == set()


def dumps(gate: Gate, frames: dict[str, pd.DataFrame], dataset: str = "prices") -> None:
    """Deliver a dataset as a folder of files, by their names."""
    (gate.folder / f"{dataset}.parquet").unlink()
    (gate.folder / dataset).mkdir()
    for name, frame in frames.items():
        frame.to_parquet(gate.folder / dataset / f"{name}.parquet", index=False)


def until(day: str, frame: pd.DataFrame, moment: str = "bar_start") -> pd.DataFrame:
    return frame[frame[moment] <= day]


def running(day: str, frame: pd.DataFrame, column: str = "volume_usd", moment: str = "bar_start") -> pd.DataFrame:
    """The rows up to a day, the day's own as it was while it ran."""
    return until(day, frame, moment).assign(**{column: lambda rows: rows[column].where(rows[moment] < day, 0.25)})


@pytest.mark.parametrize(
    "names",
    [("2026-01-10", "2026-01-20", "2026-01-30"), ("part-2", "part-9", "part-10"), ("20260110", "20260120", "20260130")],
)
def test_superseded_by_later_file_takes_the_file_written_last_for_a_bar_that_still_ran(
    gate: Gate, names: tuple[str, str, str]
) -> None:
    prices = clean_frames()["prices"]
    days = ("2026-01-10", "2026-01-20")
    dumps(gate, dict(zip(names, [*(running(day, prices) for day in days), prices], strict=True)))

    result = gate.judge("prices")

    assert failed(result) == {"key_repeated", "superseded_by_later_file"}
    assert {one.rule: one.n_failed for one in result.warnings}["superseded_by_later_file"] == 3 * 2
    good = gate.connection.execute(
        "select token_id, bar_start, volume_usd from incoming "
        "where row_number not in (select row_number from bad_row where is_quarantined)"
    ).fetchall()
    assert sorted(good) == sorted(prices[["token_id", "bar_start", "volume_usd"]].itertuples(index=False, name=None))


def test_superseded_by_later_file_needs_a_bar_that_was_open(gate: Gate) -> None:
    """A closed bar that two files give differently stays a contradiction, and so does a day after the file's own."""
    prices = clean_frames()["prices"]
    restated = prices.assign(volume_usd=prices["volume_usd"].where(prices["bar_start"] != "2026-01-05", 7.0))
    dumps(gate, {"2026-01-10": until("2026-01-10", prices), "2026-01-30": restated})

    result = gate.judge("prices")

    assert failed(result) == {"key_repeated", "key_contradicted"}
    assert {one.rule: one.n_failed for one in result.warnings}["key_contradicted"] == 3 * 2


def test_superseded_by_later_file_does_not_trust_a_file_about_a_bar_that_had_closed_by_its_name(gate: Gate) -> None:
    prices = clean_frames()["prices"]
    dumps(gate, {"2026-01-15": running("2026-01-10", prices), "2026-01-30": prices})

    assert "key_contradicted" in failed(gate.judge("prices"))


def test_superseded_by_later_file_holds_for_signals_too(gate: Gate) -> None:
    signals = clean_frames()["signals"]
    dumps(gate, {"a": running("2026-01-20", signals, "score", "signal_at"), "b": signals}, "signals")

    result = gate.judge("signals")

    assert failed(result) == {"key_repeated", "superseded_by_later_file"}
    assert gate.connection.execute(
        "select distinct score from incoming "
        "where row_number not in (select row_number from bad_row where is_quarantined)"
    ).fetchall() == [(0.5,)]


def test_a_row_of_several_files_is_named_by_its_file_and_its_number_there(gate: Gate) -> None:
    prices = clean_frames()["prices"]
    dumps(gate, {"a": prices[:50], "b": put(-1.0, *PRICE_COLUMNS, row=60)(prices)[50:]})

    result = gate.judge("prices")

    assert next(one for one in result.results if one.rule == "price_positive").example.startswith(
        "prices/b.parquet, row 10 ("
    )


@pytest.mark.parametrize(
    ("categories", "n_failed"), [("Layer 1;Nonsense", 0), ("Nonsense", 40), ("['Layer 1', 'Nonsense']", 0)]
)
def test_categories_mapped_is_a_remark_where_no_category_of_a_token_is_known(
    gate: Gate, categories: str, n_failed: int
) -> None:
    gate.write("tokens", clean_frames()["tokens"].assign(categories=categories))

    result = gate.judge("tokens")

    (mapped,) = (one for one in result.results if one.rule == "categories_mapped")
    assert (mapped.is_passed, mapped.n_failed, mapped.severity) == (n_failed == 0, n_failed, "warning")
    assert result.stops == ()
    if n_failed:
        assert mapped.example == "token_id 1: Nonsense"


def test_direction_marks_are_shown(gate: Gate) -> None:
    frame = clean_frames()["tokens"].assign(name="Bit\u202eniocoin")
    gate.write("tokens", frame)

    assert failed(gate.judge("tokens")) == set()
    assert gate.connection.execute("select distinct name from incoming").fetchall() == [("Bit<U+202E>niocoin",)]
