"""Undocumented values: nothing crashes on them, and no row is lost or invented without a note."""

import gzip
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from flows.datasets import DATASETS
from flows.home.raw_store import FetchedDataset, Response
from flows.sources.tokenmetrics.endpoints import BY_NAME, TOP_TOKENS
from flows.sources.tokenmetrics.fetch import ids_of
from flows.sources.tokenmetrics.pages import Page, compressed
from flows.sources.tokenmetrics.parse import identifier, moment, number, parse_rows
from flows.sources.tokenmetrics.ranks import ranks_of
from flows.sources.tokenmetrics.source import rows_as_text

NOW = datetime(2026, 11, 22, 7, 30)
BITCOIN = {"TOKEN_ID": 3375, "TOKEN_NAME": "Bitcoin", "TOKEN_SYMBOL": "BTC"}


def parsed(endpoint: str, **fields: Any) -> list[dict[str, Any]]:
    """One row of an endpoint, parsed from its JSON."""
    return parse_rows(BY_NAME[endpoint], [json.loads(json.dumps(BITCOIN | fields))], NOW)


@pytest.mark.parametrize("value", ["NaN", "nan", float("nan"), "", " "])
def test_what_is_no_number_is_null(value: Any) -> None:
    assert number(value) is None


@pytest.mark.parametrize("value", [float("inf"), "-Infinity", 10**400])
def test_a_number_without_end_is_left_to_the_gate(value: Any) -> None:
    assert isinstance(number(value), str)


def test_a_long_id_stays_itself() -> None:
    assert identifier("9007199254740993") == identifier(9007199254740993) == 9007199254740993


def test_a_moment_before_the_first_is_left_to_the_gate() -> None:
    assert moment("0001-01-01T00:00:00+05:00") == "0001-01-01T00:00:00+05:00"


def test_a_figure_that_is_nan_spoils_neither_the_row_nor_its_components() -> None:
    (grade,) = parsed("tm-grade", TM_GRADE="71.4", QUANT_GRADE=float("nan"), MOMENTUM="Holding Steady")
    assert (grade["grade"], grade["components"]) == (71.4, None)
    (measured,) = parsed("quantmetrics", DATE="2026-11-21", SHARPE=float("nan"), SORTINO=1)
    assert (measured["sharpe"], measured["sortino"]) == (None, 1.0)


def test_an_event_that_is_null_beside_a_state_is_not_dropped_without_a_word() -> None:
    (row,) = parsed("trading-signals", DATE="2026-11-21", TRADING_SIGNAL=None, TOKEN_TREND=1)
    assert (row["direction"], row["trend"]) == (None, 1.0)
    assert parsed("trading-signals", DATE="2026-11-21", TRADING_SIGNAL=None, TOKEN_TREND=None) == []


@pytest.mark.parametrize(
    "levels",
    [[{"date": "2026-01-01", "level": 5}], '[{"date": "2026-01-01", "level": "5"}]', ["5"], "5", 5, [5, "5.0"]],
)
def test_levels_are_read_also_as_text_or_alone(levels: Any) -> None:
    rows = parsed("resistance-support", DATE="2026-11-21", HISTORICAL_RESISTANCE_SUPPORT_LEVELS=levels)
    assert [row["price"] for row in rows] == [5.0]


def test_a_name_that_was_cut_in_the_middle_of_a_letter_is_kept() -> None:
    rows = parsed("tokens") + parse_rows(
        BY_NAME["tokens"], json.loads('[{"TOKEN_ID": 7, "TOKEN_NAME": "Cat \\ud83d", "TOKEN_SYMBOL": "CAT"}]'), NOW
    )
    batch = rows_as_text(DATASETS["tokens"], 0, rows)
    assert batch.column("name").to_pylist() == ["Bitcoin", "Cat ?"]


def test_rows_that_are_none_and_rows_without_an_id_are_passed_over() -> None:
    body = compressed(json.dumps({"data": [None, {"TOKEN_SYMBOL": "X"}, BITCOIN | {"TOKEN_ID": "3375"}, "x"]}).encode())
    page = Page(TOP_TOKENS.name, {}, 200, NOW, body)
    assert ids_of([page]) == [3375]
    delivery = FetchedDataset(
        "tokens", (Response("a.gz", gzip.compress(gzip.decompress(body)), {"endpoint": TOP_TOKENS.name}),)
    )
    assert ranks_of(delivery) == {3375: 1}


def test_the_doctor_examines_a_server_whose_404_has_no_message(tmp_path: Path) -> None:
    """The sample of that endpoint has no rows."""
    from flows.sources.tokenmetrics.doctor import _save_sample

    body = compressed(b'{"success": false, "message": "Data not found"}')
    _save_sample(tmp_path, Page("tokens", {"page": "1"}, 404, NOW, body))
    assert json.loads((tmp_path / "tokens.json").read_text())["body"]["data"] == []
