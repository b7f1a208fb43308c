"""Rows have the vendor's names, types and flaws, compared with its own examples where they are available."""

import json
from pathlib import Path
from typing import Any

import pytest

from flows.devserver import Dialect
from tests.conftest import SHARED
from tests.devserver.conftest import Serve

PARAMS: dict[str, dict[str, Any]] = {
    "price": {"token_id": "900001,900002"},
    "indices-performance": {"id": 1},
}
# Keys in which the vendor's own examples of different years differ.
CAME_AND_WENT = {
    ("2025-04", "trading-signals"): {"tm_link"},
    ("2025-04", "trader-grades"): {"TOKEN_SYMBOL"},
    ("2025-04", "indices-performance"): {"ID"},
    ("2025-04", "top-market-cap-tokens"): {"TM_LINK"},
    ("2025-05", "top-market-cap-tokens"): {"TM_LINK"},
}
OF_ANOTHER_AGE = {"price-prediction"}  # the forecast of 2024, whose name today's scenarios have now


def _examples() -> list[Path]:
    return sorted((SHARED / "vendor" / "samples").glob("*/*.json"))


def test_every_field_is_one_of_the_vendors_own_examples(serve: Serve) -> None:
    if not _examples():
        pytest.skip("VENDOR SAMPLES ABSENT: the double's shapes were held against nothing.")
    _, client = serve()
    n_compared = 0
    for path in _examples():
        if path.stem in OF_ANOTHER_AGE:
            continue
        theirs = set(json.loads(path.read_text())["data"][0])
        row = client.get(f"/{path.stem}", params=PARAMS.get(path.stem, {})).json()["data"][0]
        assert set(row) ^ theirs == CAME_AND_WENT.get((path.parent.name, path.stem), set()), path
        n_compared += 1
    assert n_compared == 24


def test_two_keys_differ_only_in_case(serve: Serve) -> None:
    _, client = serve()
    row = client.get("/trading-signals").json()["data"][0]
    assert row["TM_LINK"] == "https://app.tokenmetrics.com/undefined"
    assert row["tm_link"] == row["TOKEN_NAME"].lower().replace(" ", "-")


def test_keys_split_digits_differently_in_v2_and_v3(serve: Serve) -> None:
    _, second = serve()
    _, third = serve("v3")
    assert "TM_GRADE_24h_PCT_CHANGE" in second.get("/tm-grade").json()["data"][0]
    assert "tm_grade_24_h_pct_change" in third.get("/tm-grade").json()["data"][0]
    assert "tm_grade_24h_pct_change" in third.get("/tm-grade-history").json()["data"][0]
    assert {"24H", "7D", "1M"} <= set(second.get("/indices").json()["data"][0])


def test_numbers_are_whole_or_not_or_text_by_endpoint(serve: Serve) -> None:
    _, client = serve()
    volumes = [row["VOLUME"] for row in client.get("/daily-ohlcv", params={"limit": 100}).json()["data"]]
    assert {type(volume) for volume in volumes} == {int}
    prices = {type(row["CLOSE"]) for row in client.get("/hourly-ohlcv", params={"limit": 100}).json()["data"]}
    assert float in prices
    hour = client.get("/hourly-trading-signals", params={"token_id": "900001,900005,900010"}).json()["data"][0]
    assert (type(hour["SIGNAL"]), type(hour["POSITION"])) == (str, str)
    assert isinstance(client.get("/tm-grade").json()["data"][0]["TM_GRADE"], str)
    moonshot = client.get("/moonshot-tokens").json()["data"][0]
    assert isinstance(moonshot["MARKET_CAP"], str)
    assert "TOKEN_ID" not in moonshot


def test_dates_have_the_form_of_their_endpoint_and_age(serve: Serve) -> None:
    _, client = serve()
    _, old = serve(dialect=Dialect(dates="plain"))
    assert client.get("/trading-signals").json()["data"][-1]["DATE"].endswith("T00:00:00.000Z")
    assert len(old.get("/trading-signals").json()["data"][-1]["DATE"]) == 10
    for path in ("quantmetrics", "market-metrics", "investor-grades", "correlation"):
        assert len(client.get(f"/{path}").json()["data"][0]["DATE"]) == 10


def test_a_grade_is_four_parts_technical_and_one_part_quant(serve: Serve) -> None:
    _, client = serve()
    rows = client.get("/trader-grades", params={"limit": 100}).json()["data"]
    for row in rows:
        assert row["TM_TRADER_GRADE"] == pytest.approx(0.8 * row["TA_GRADE"] + 0.2 * row["QUANT_GRADE"], abs=0.01)


def test_symbols_are_not_unique(serve: Serve) -> None:
    _, client = serve()
    tokens = client.get("/tokens").json()["data"]
    symbols = [token["TOKEN_SYMBOL"] for token in tokens]
    assert len(set(symbols)) < len(symbols)
    assert client.get("/price", params={"token_id": "900001"}).json()["data"][0]["TOKEN_SYMBOL"].islower()


def test_levels_come_in_no_order_and_without_sides_and_are_null_for_some(serve: Serve) -> None:
    _, client = serve(n_tokens=40)
    rows = client.get("/resistance-support", params={"limit": 100}).json()["data"]
    lists = [row["HISTORICAL_RESISTANCE_SUPPORT_LEVELS"] for row in rows]
    assert None in lists
    levels = [level["level"] for level in next(found for found in lists if found and len(found) > 5)]
    assert levels not in (sorted(levels), sorted(levels, reverse=True))
    third = serve("v3", n_tokens=40)[1].get("/resistance-support", params={"limit": 100}).json()["data"]
    for row in third:
        below, above = row["support_1"], row["resistance_1"]
        assert below is None or below <= row["price"]
        assert above is None or above > row["price"]


def test_v3_collapses_lists_unless_they_are_asked_for(serve: Serve) -> None:
    _, client = serve("v3")
    assert "category_list" not in client.get("/tokens").json()["data"][0]
    row = client.get("/tokens", params={"expand": "exchange_list,category_list"}).json()["data"][0]
    assert row["category_list"][0]["category_slug"]
    assert client.get("/tokens", params={"slug": row["slug"]}).json()["data"][0]["token_id"] == row["token_id"]
