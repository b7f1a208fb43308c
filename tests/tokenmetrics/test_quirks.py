"""The vendor's numbered quirks: each has been seen in real answers, and none may lose or spoil data."""

import json
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.config import Settings
from flows.datasets import DATASETS
from flows.devserver import DevServer, Fault
from flows.home.raw_store import keep
from flows.quality.incoming import read_incoming
from flows.sources.tokenmetrics import TokenMetricsSettings, TokenMetricsSource
from flows.sources.tokenmetrics.aliases import folded
from flows.sources.tokenmetrics.drift import Fields
from flows.sources.tokenmetrics.endpoints import BY_NAME
from flows.sources.tokenmetrics.fetch import FetchResult
from flows.sources.tokenmetrics.pages import Page, compressed
from flows.sources.tokenmetrics.parse import identifier, moment, number, parse_rows, side
from flows.sources.tokenmetrics.source import fetched_datasets
from flows.warehouse.connection import prepare
from tests.tokenmetrics.desk import fetch

AT = datetime(2025, 5, 27, 0, 20)


def parsed(endpoint: str, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    return parse_rows(BY_NAME[endpoint], list(rows), AT)


def incoming(tmp_path: Path, dataset: str, *bodies: tuple[str, list[dict[str, Any]]]) -> list[tuple[Any, ...]]:
    """The typed rows that the gate checks, from bodies given as endpoints with their rows."""
    fetched = FetchResult()
    for endpoint, rows in bodies:
        body = json.dumps({"success": True, "length": len(rows), "data": rows}).encode()
        fetched.pages.setdefault(endpoint, []).append(Page(endpoint, {}, 200, AT, compressed(body)))
    delivery = next(one for one in fetched_datasets(fetched) if one.dataset == dataset)
    kept = keep(tmp_path, delivery, source="tokenmetrics")
    source = TokenMetricsSource(TokenMetricsSettings(_env_file=None))
    with closing(duckdb.connect()) as connection:
        prepare(connection, Settings(home=tmp_path, _env_file=None))
        read_incoming(connection, source, DATASETS[dataset], kept, as_of=AT, is_replay=False)
        return connection.sql(
            "select * exclude (row_number, vendor, unparsed) from incoming order by all"
            if DATASETS[dataset].has_vendor
            else "select * exclude (row_number, unparsed) from incoming order by all"
        ).fetchall()


SIGNAL = {
    "TOKEN_ID": 3375,
    "TOKEN_NAME": "Bitcoin",
    "TOKEN_SYMBOL": "BTC",
    "DATE": "2025-03-03T00:00:00.000Z",
    "TRADING_SIGNAL": 0,
    "TOKEN_TREND": -1,
    "tm_link": "bitcoin",
    "TM_LINK": "https://app.tokenmetrics.com/undefined",
}


def bar(**more: Any) -> dict[str, Any]:
    return {
        "TOKEN_ID": 1,
        "TIMESTAMP": "2025-05-26T11:00:00.000Z",
        "OPEN": 1,
        "HIGH": 2.5,
        "LOW": 1,
        "CLOSE": 2,
        "VOLUME": 3,
    } | more


def test_quirk_01_two_keys_that_differ_in_case_alone_stay_two() -> None:
    row = folded(SIGNAL, "trading-signals")
    assert (row["tm_slug"], row["tm_link"]) == ("bitcoin", "https://app.tokenmetrics.com/undefined")
    assert len(parsed("trading-signals", SIGNAL)) == 1


def test_quirk_02_mixed_case_keys_are_read() -> None:
    (row,) = parsed(
        "tm-grade",
        {"TOKEN_ID": 1, "TM_GRADE": "71.42", "TM_GRADE_24h_PCT_CHANGE": "-1.27", "TM_TRADER_GRADE_24H_CHANGE": "-0.92"},
    )
    assert json.loads(row["components"]) == {"tm_grade_24h_pct_change": -1.27, "tm_trader_grade_24h_change": -0.92}


@pytest.mark.parametrize("name", ["tm_grade_24_h_pct_change", "tm_grade_24h_pct_change", "TM_GRADE_24h_PCT_CHANGE"])
def test_quirk_03_digits_may_be_split_off(name: str) -> None:
    (row,) = parsed("tm-grade-history", {"token_id": 1, "date": "2025-05-26", "tm_grade": 5, name: 1.5})
    assert json.loads(row["components"]) == {"tm_grade_24h_pct_change": 1.5}


def test_quirk_04_whole_and_broken_numbers_share_a_column(tmp_path: Path) -> None:
    rows = incoming(tmp_path, "prices", ("hourly-ohlcv", [bar(CLOSE=2), bar(TOKEN_ID=2, CLOSE=2.25)]))
    assert [row[6] for row in rows] == [2.0, 2.25]


def test_quirk_05_numbers_may_come_as_text(tmp_path: Path) -> None:
    assert (number("71.42"), number("2"), number(2), identifier("3306"), identifier(3306)) == (
        71.42,
        2.0,
        2.0,
        3306,
        3306,
    )
    row = {
        "TIMESTAMP": "2025-05-26T11:00:00.000Z",
        "TOKEN_ID": "3375",
        "CLOSE": 115702,
        "SIGNAL": "1",
        "POSITION": "-1",
    }
    ((token_id, timeframe, at, direction, trend, *_),) = incoming(
        tmp_path, "signals", ("hourly-trading-signals", [row])
    )
    assert (token_id, timeframe, at, direction, trend) == (3375, "1h", datetime(2025, 5, 26, 11), 1, -1)


def test_quirk_05_words_stand_for_sides_and_unknown_ones_are_left_to_the_gate() -> None:
    assert [side(word) for word in ("long", "Sell", "neutral", "-1", 0, "sideways?")] == [
        1,
        -1,
        0,
        -1.0,
        0.0,
        "sideways?",
    ]


def test_quirk_06_nulls_are_no_values_and_no_faults() -> None:
    assert number(None) is None
    nothing = dict.fromkeys(("VOLATILITY", "CAGR", "SHARPE", "SORTINO", "MAX_DRAWDOWN"))
    assert parsed("quantmetrics", {"TOKEN_ID": 11867, "DATE": "2023-11-07", "RISK_REWARD_RATIO": 0.98} | nothing) == []
    (row,) = parsed("quantmetrics", {"TOKEN_ID": 1, "DATE": "2023-11-07"} | nothing | {"SHARPE": 1.03})
    assert (row["sharpe"], row["sortino"]) == (1.03, None)


def test_quirk_06_a_field_that_is_not_there_is_no_null() -> None:
    """A row with a null signal is left out; a row without the field goes to the gate, whose rule fails."""
    assert parsed("trading-signals", SIGNAL | {"TRADING_SIGNAL": None, "TOKEN_TREND": None}) == []
    renamed = {name: value for name, value in SIGNAL.items() if name != "TRADING_SIGNAL"} | {"SIGNAL_OF_DAY": 1}
    (row,) = parsed("trading-signals", renamed)
    assert row["direction"] is None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2025-05-26", datetime(2025, 5, 26)),
        ("2025-05-26T00:00:00.000Z", datetime(2025, 5, 26)),
        ("2023-11-08 10:00:00.000", datetime(2023, 11, 8, 10)),
        ("2025-03-19T23:26:09.454Z", datetime(2025, 3, 19, 23, 26, 9, 454000)),
    ],
)
def test_quirk_07_every_way_of_writing_a_moment_is_read(text: str, at: datetime) -> None:
    assert moment(text) == at


def test_quirk_07_bars_dated_within_their_hour_are_that_hours(tmp_path: Path) -> None:
    off = bar(TIMESTAMP="2025-03-19T23:26:09.454Z")
    rows = incoming(tmp_path, "prices", ("hourly-ohlcv", [off, bar(TOKEN_ID=2)]))
    assert [row[2] for row in rows] == [datetime(2025, 3, 19, 23), datetime(2025, 5, 26, 11)]


def test_quirk_08_tokens_that_share_a_symbol_stay_apart(tmp_path: Path) -> None:
    twins = [
        {"TOKEN_ID": one, "TOKEN_NAME": name, "TOKEN_SYMBOL": "SOL"}
        for one, name in ((3988, "Solana"), (20613, "Wrapped Solana"))
    ]
    rows = incoming(tmp_path, "tokens", ("tokens", twins))
    assert [(row[0], row[1]) for row in rows] == [(3988, "SOL"), (20613, "SOL")]


def test_quirk_09_names_and_the_case_of_symbols_drift_but_the_id_is_the_key(tmp_path: Path) -> None:
    bodies = [
        ("top-market-cap-tokens", [{"TOKEN_ID": 3119, "TOKEN_NAME": "Tron", "TOKEN_SYMBOL": "trx"}]),
        ("tokens", [{"TOKEN_ID": 3119, "TOKEN_NAME": "TRON", "TOKEN_SYMBOL": "TRX"}]),
    ]
    ((token_id, symbol, name, *_),) = incoming(tmp_path, "tokens", *bodies)
    assert (token_id, symbol, name) == (3119, "TRX", "TRON")


def test_quirk_10_rows_without_a_symbol_or_an_id_are_taken_for_what_they_are() -> None:
    (row,) = parsed("trader-grades", {"TOKEN_ID": 17528, "DATE": "2023-10-10", "TM_TRADER_GRADE": 18.41})
    assert (row["token_id"], row["grade"]) == (17528, 18.41)
    fields = Fields(BY_NAME["moonshot-tokens"])
    fields.count([{"TOKEN_NAME": "Example", "TOKEN_SYMBOL": "EXM", "MOONSHOT_AT": "2025-07-29T00:00:00.000Z"}])
    assert "token_id" not in {one.field for one in fields.drift()}


def test_quirk_11_a_latest_day_that_is_partial_loses_no_earlier_one(server: DevServer, tmp_path: Path) -> None:
    rows = fetch(server, tmp_path).rows["signals"]
    today, before = datetime.combine(server.now, datetime.min.time()), {}
    for token_id, timeframe, at, *_ in rows:
        if timeframe == "1d":
            before.setdefault(datetime.fromisoformat(at), set()).add(token_id)
    assert 0 < len(before[today]) < len(before[max(at for at in before if at < today)])


def test_quirk_12_a_day_that_is_missing_is_no_end(tmp_path: Path) -> None:
    days = [
        {"DATE": day, "TOKEN_ID": 1, "OPEN": 1, "HIGH": 1, "LOW": 1, "CLOSE": 1, "VOLUME": None}
        for day in ("2025-05-24", "2025-05-22")
    ]
    assert [row[2].day for row in incoming(tmp_path, "prices", ("daily-ohlcv", days))] == [22, 24]


def test_quirk_13_the_event_is_the_direction_and_the_state_the_trend() -> None:
    (row,) = parsed("trading-signals", SIGNAL)
    assert (row["direction"], row["trend"]) == (0.0, -1.0)


def test_quirk_14_outliers_are_the_gates_to_judge() -> None:
    row = {"TOKEN_ID": 1, "DATE": "2023-10-10", "TM_TRADER_GRADE": 18.41, "TM_TRADER_GRADE_24H_PCT_CHANGE": 1046.57}
    (grade,) = parsed("trader-grades", row)
    assert json.loads(grade["components"]) == {"tm_trader_grade_24h_pct_change": 1046.57}


def test_quirk_15_the_universe_does_not_hang_on_the_first_page_of_tokens(server: DevServer, tmp_path: Path) -> None:
    """`tokens` lists the newest ids first, so the largest tokens are requested by their ids."""
    rows = fetch(server, tmp_path, universe="top:3").rows["tokens"]
    assert len(rows) == 3
    asked = {call.params["token_id"] for call in server.calls if call.endpoint == "tokens"}
    assert asked == {",".join(sorted(row[0] for row in rows))}


def test_quirk_16_volume_is_kept_but_scores_nothing() -> None:
    (row,) = parsed("hourly-ohlcv", bar(VOLUME=31258975021.50926))
    assert row["volume_usd"] == 31258975021.50926


def test_quirk_17_a_grade_keeps_the_parts_it_is_made_of() -> None:
    row = {"TOKEN_ID": 3306, "DATE": "2025-05-20", "TA_GRADE": 83.33, "QUANT_GRADE": 57.46, "TM_TRADER_GRADE": 78.15}
    (grade,) = parsed("trader-grades", row)
    parts = json.loads(grade["components"])
    assert 0.8 * parts["ta_grade"] + 0.2 * parts["quant_grade"] == pytest.approx(grade["grade"], abs=0.011)


def test_quirk_18_a_universe_of_any_size_is_asked_for_in_calls_that_fit(server: DevServer, tmp_path: Path) -> None:
    fetch(server, tmp_path, tokens_per_call=5, universe="all")
    assert max(len(call.params.get("token_id", "").split(",")) for call in server.calls) <= 5


# Quirks without a number.


def test_levels_come_as_objects_as_bare_numbers_or_not_at_all() -> None:
    name = "HISTORICAL_RESISTANCE_SUPPORT_LEVELS"
    token = {"TOKEN_ID": 1, "DATE": "2025-05-26"}
    objects = parsed(
        "resistance-support",
        token | {name: [{"date": "2017-12-27", "level": 16500.9}, {"date": "2017-11-05", "level": "7630"}]},
    )
    assert [(row["price"], row["formed_at"]) for row in objects] == [
        (7630.0, datetime(2017, 11, 5)),
        (16500.9, datetime(2017, 12, 27)),
    ]
    assert [row["price"] for row in parsed("resistance-support", token | {name: [1.5, 0.5]})] == [0.5, 1.5]
    assert parsed("resistance-support", token | {name: None}) == []


def test_v3_names_the_side_of_some_levels_and_each_price_comes_once() -> None:
    row = {
        "token_id": 1,
        "date": "2025-09-20",
        "resistance_1": 12,
        "support_1": 8,
        "historical_resistance_support_levels": [
            {"date": "2025-01-01", "level": 12},
            {"date": "2025-01-02", "level": 5},
        ],
    }
    assert [(one["price"], one["side"]) for one in parsed("resistance-support", row)] == [
        (5.0, None),
        (8.0, "support"),
        (12.0, "resistance"),
    ]


def test_a_grade_without_a_date_is_of_the_day_it_was_fetched_and_history_wins_over_it(tmp_path: Path) -> None:
    bodies = [
        ("tm-grade", [{"TOKEN_ID": 1, "TM_GRADE": "50"}, {"TOKEN_ID": 2, "TM_GRADE": "60"}]),
        ("tm-grade-history", [{"TOKEN_ID": 1, "TM_GRADE": "51", "DATE": "2025-05-27"}]),
    ]
    rows = incoming(tmp_path, "grades", *bodies)
    assert [(row[0], row[2], row[3]) for row in rows] == [
        (1, datetime(2025, 5, 27), 51.0),
        (2, datetime(2025, 5, 27), 60.0),
    ]


def test_v2_and_v3_give_the_same_rows(server: DevServer, tmp_path: Path) -> None:
    old, new = (fetch(server, tmp_path / version, version=version) for version in ("v2", "v3"))
    assert {"tokens", "prices", "signals", "quantmetrics"} <= {
        name for name in old.rows if old.rows[name] == new.rows[name]
    }
    # Only v2 still has the grades announced for removal; only v3 has named levels.
    assert {row for row in map(tuple, new.rows["grades"]) if row[1] != "tm"} <= set(map(tuple, old.rows["grades"]))


def test_a_renamed_a_new_and_a_vanished_field_are_noted(server: DevServer, tmp_path: Path) -> None:
    server.faults = [
        Fault("rename", "TM_TRADER_GRADE:TM_TRADER_GRADES", endpoint="trader-grades", times=None),
        Fault("extra", "MOOD", endpoint="quantmetrics", times=None),
        Fault("drop", "KURTOSIS", endpoint="quantmetrics", times=None),
    ]
    text = "\n".join(fetch(server, tmp_path).notes)
    assert "trader-grades: tm_trader_grade seems to go by another name now: TM_TRADER_GRADES" in text
    assert "quantmetrics: MOOD is new" in text
    assert "quantmetrics: kurtosis is in none of" in text
