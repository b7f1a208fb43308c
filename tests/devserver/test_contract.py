"""What the vendor's endpoints have in common: key, envelope, paging, date ranges, limits, plans."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from flows.devserver import KEY, LATE_2025, SPRING_2025, Dialect, Plan
from tests.devserver.conftest import NOW, Serve, every_page

OTHER_KEY = "tm-11111111-0000-4000-8000-000000000000"


def test_a_pages_length_counts_its_own_rows_not_all_there_are(serve: Serve) -> None:
    _, client = serve()
    body = client.get("/trading-signals", params={"limit": 7}).json()
    assert (body["success"], body["message"], body["length"]) == (True, "Data fetched successfully", 7)
    assert len(body["data"]) == 7
    assert set(body) == {"success", "message", "length", "data"}


def test_fifty_rows_by_default_and_a_hundred_at_most(serve: Serve) -> None:
    _, client = serve()
    assert client.get("/trading-signals").json()["length"] == 50
    assert client.get("/trading-signals", params={"limit": 5000}).json()["length"] == 100
    _, strict = serve(dialect=Dialect(over_limit="reject"))
    assert strict.get("/trading-signals", params={"limit": 101}).status_code == 400


@pytest.mark.parametrize("first_page", [0, 1])
def test_pages_in_a_row_are_the_whole_in_order(serve: Serve, first_page: int) -> None:
    _, client = serve(dialect=Dialect(first_page=first_page))
    whole = client.get("/trading-signals", params={"limit": 100, "page": first_page}).json()["data"]
    parts = [
        row
        for page in range(4)
        for row in client.get("/trading-signals", params={"limit": 25, "page": first_page + page}).json()["data"]
    ]
    assert parts == whole
    assert client.get("/trading-signals", params={"page": first_page - 1}).status_code == 400


def test_no_rows_are_a_404_with_a_message(serve: Serve) -> None:
    _, client = serve()
    for params in ({"token_id": 1}, {"page": 999}, {"symbol": "NOBODY"}):
        response = client.get("/trading-signals", params=params)
        assert response.status_code == 404
        assert response.json() == {"success": False, "message": "Data not found", "length": 0, "data": []}


def test_an_endpoint_that_is_gone_is_a_404_without_json(serve: Serve) -> None:
    _, client = serve(dialect=LATE_2025)
    response = client.get("/trader-grades")
    assert response.status_code == 404
    assert response.headers["content-type"] == "text/html"
    _, third = serve("v3")
    assert third.get("/sentiments").status_code == 404
    assert third.get("/trading-signals").status_code == 200


def test_the_key_goes_in_the_header_of_its_age_and_no_other(serve: Serve) -> None:
    server, _ = serve()
    old, _ = serve(dialect=SPRING_2025)
    for double, header, status in (
        (server, "x-api-key", 200),
        (server, "api_key", 401),
        (old, "api_key", 200),
        (old, "x-api-key", 401),
    ):
        response = httpx.get(f"{double.base_url}/v2/tokens", headers={header: KEY})
        assert response.status_code == status, (header, double.dialect)
    assert httpx.get(f"{server.base_url}/v2/tokens").json()["message"] == "API key is required"
    assert httpx.get(f"{server.base_url}/v2/tokens", headers={"x-api-key": "wrong"}).status_code == 401


def test_a_key_can_be_revoked_while_another_goes_on(serve: Serve) -> None:
    server, client = serve(keys=(KEY, OTHER_KEY), revoked={KEY: 3})
    assert [client.get("/tokens").status_code for _ in range(4)] == [200, 200, 401, 401]
    assert client.get("/tokens", headers={"x-api-key": OTHER_KEY}).status_code == 200
    server.revoke(OTHER_KEY)
    assert client.get("/tokens", headers={"x-api-key": OTHER_KEY}).status_code == 401


def test_the_record_of_calls_never_holds_a_key(serve: Serve) -> None:
    server, client = serve()
    client.get("/tokens", params={"limit": 2, "api_key": KEY})
    (call,) = server.calls
    assert (call.method, call.path, call.status, call.key_header) == ("GET", "/v2/tokens", 200, "x-api-key")
    assert call.params == {"limit": "2", "api_key": "***"}
    assert KEY not in str(server.calls)
    assert KEY not in client.get(f"{server.base_url}/_double/calls").text


def test_dates_are_inclusive_and_may_be_written_in_two_ways(serve: Serve) -> None:
    _, client = serve()
    plain = every_page(client, "/trading-signals", startDate="2026-11-10", endDate="2026-11-12")
    assert {row["DATE"][:10] for row in plain} == {"2026-11-10", "2026-11-11", "2026-11-12"}
    full = {"startDate": "2026-11-10T00:00:00.000Z", "endDate": "2026-11-12T00:00:00.000Z"}
    assert every_page(client, "/trading-signals", **full) == plain
    assert client.get("/trading-signals", params={"startDate": "soon"}).status_code == 400


def test_a_span_of_29_days_is_served_and_one_of_30_refused(serve: Serve) -> None:
    _, client = serve()

    def status(**params: str) -> int:
        return client.get("/trading-signals", params=params).status_code

    assert status(startDate="2026-10-01", endDate="2026-10-30") == 200
    assert status(startDate="2026-10-01", endDate="2026-10-31") == 400
    assert status(startDate="2026-10-01") == 400  # to today is longer than that
    assert status() == 200  # no dates: the newest rows of all history


def test_candles_reach_back_as_far_as_the_plan_allows(serve: Serve) -> None:
    _, client = serve(plan=Plan(ohlcv_days=30))
    for path in ("/daily-ohlcv", "/hourly-ohlcv"):
        refused = client.get(path, params={"startDate": "2026-10-20", "endDate": "2026-11-01"})
        assert (refused.status_code, "past 30 days" in refused.json()["message"]) == (400, True)
    assert client.get("/daily-ohlcv", params={"startDate": "2026-10-23", "endDate": "2026-11-01"}).status_code == 200
    asked = {"startDate": "2026-10-20", "endDate": "2026-11-01"}
    assert client.get("/trading-signals", params=asked).status_code == 200


def test_filters_take_lists_and_leave_only_what_fits(serve: Serve) -> None:
    _, client = serve()
    tokens = client.get("/tokens").json()["data"]
    some = tokens[3:5]
    ids = ",".join(str(token["TOKEN_ID"]) for token in some)
    expected = {token["TOKEN_ID"] for token in some}
    assert {row["TOKEN_ID"] for row in client.get("/tokens", params={"token_id": ids}).json()["data"]} == expected
    symbols = ",".join(token["TOKEN_SYMBOL"].lower() for token in some)
    by_symbol = client.get("/daily-ohlcv", params={"symbol": symbols, "limit": 100}).json()["data"]
    assert expected <= {row["TOKEN_ID"] for row in by_symbol}
    slug = tokens[0]["CATEGORY_LIST"][0]["category_slug"]
    in_category = client.get("/tokens", params={"category": slug}).json()["data"]
    assert in_category
    for token in in_category:
        assert slug in [category["category_slug"] for category in token["CATEGORY_LIST"]]
    for side in ("1", "-1", "0"):
        rows = every_page(client, "/trading-signals", signal=side, startDate="2026-11-01", endDate="2026-11-20")
        assert {row["TRADING_SIGNAL"] for row in rows} == {int(side)}
    strong = every_page(client, "/trader-grades", traderGrade=60, startDate="2026-11-01", endDate="2026-11-20")
    assert min(row["TM_TRADER_GRADE"] for row in strong) >= 60
    assert client.get("/tokens", params={"token_id": "BTC"}).status_code == 400


@pytest.mark.parametrize("path", ["price", "hourly-trading-signals", "indices-holdings", "indices-performance"])
def test_what_an_endpoint_needs_it_asks_for(serve: Serve, path: str) -> None:
    _, client = serve()
    refused = client.get(f"/{path}")
    assert refused.status_code == 400
    assert refused.json()["message"] in ("token_id is required", "id is required")


@pytest.mark.parametrize("status", [401, 403])
def test_an_endpoint_outside_the_plan_is_refused_and_the_rest_is_not(serve: Serve, status: int) -> None:
    _, client = serve(plan=Plan(lacks=frozenset({"resistance-support"}), denied_status=status))
    refused = client.get("/resistance-support")
    assert (refused.status_code, refused.json()["message"]) == (status, "Not authorized with your current plan")
    assert client.get("/trading-signals").status_code == 200


def test_a_minute_has_so_many_calls_and_the_429_has_a_retry_after(serve: Serve) -> None:
    _, client = serve(plan=Plan(per_minute=3))
    assert [client.get("/tokens").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    assert 55 <= int(client.get("/tokens").headers["retry-after"]) <= 61
    _, dated = serve(plan=Plan(per_minute=1, retry_after="date"))
    dated.get("/tokens")
    retry_at = parsedate_to_datetime(dated.get("/tokens").headers["retry-after"])
    assert timedelta(seconds=50) < retry_at - datetime.now(UTC) < timedelta(seconds=62)
    _, silent = serve(plan=Plan(per_minute=1, retry_after=None))
    silent.get("/tokens")
    assert "retry-after" not in silent.get("/tokens").headers


def test_a_month_has_so_many_credits_and_a_refused_call_costs_none(serve: Serve) -> None:
    server, client = serve(plan=Plan(per_month=2, lacks=frozenset({"price"})))
    client.get("/price")
    assert [client.get("/tokens").status_code for _ in range(3)] == [200, 200, 429]
    assert server.credits_used == 2


def test_rows_come_newest_first_and_within_a_date_in_no_fixed_order(serve: Serve) -> None:
    _, client = serve()
    rows = every_page(client, "/trading-signals", startDate="2026-10-25", endDate="2026-11-20")
    dates = [row["DATE"] for row in rows]
    assert dates == sorted(dates, reverse=True)
    orders: dict[str, list[int]] = {}
    for row in rows:
        orders.setdefault(row["DATE"], []).append(row["TOKEN_ID"])
    assert len({tuple(order) for order in orders.values() if len(order) == 9}) > 1
    days = client.get("/indices-performance", params={"id": 1, "limit": 100}).json()["data"]
    assert [row["DATE"] for row in days] == sorted(row["DATE"] for row in days)


def test_the_latest_day_is_partial_and_the_clock_can_be_set(serve: Serve) -> None:
    server, client = serve()

    def todays(path: str, **params: str) -> set[int]:
        rows = client.get(path, params={"startDate": f"{server.now:%Y-%m-%d}", **params}).json()["data"]
        return {row["TOKEN_ID"] for row in rows}

    everyone = {row["TOKEN_ID"] for row in client.get("/price", params={"token_id": _all_ids(client)}).json()["data"]}
    assert todays("/trading-signals") < everyone
    before = {row["TOKEN_ID"]: row for row in client.get("/daily-ohlcv").json()["data"] if "11-22" in row["DATE"]}
    server.now = NOW + timedelta(hours=5)
    after = {row["TOKEN_ID"]: row for row in client.get("/daily-ohlcv").json()["data"] if "11-22" in row["DATE"]}
    assert set(before) == set(after)
    for token_id, bar in after.items():
        assert bar["OPEN"] == before[token_id]["OPEN"]
        assert bar["HIGH"] >= before[token_id]["HIGH"]
        assert bar["VOLUME"] > before[token_id]["VOLUME"]


def _all_ids(client: httpx.Client) -> str:
    return ",".join(str(row["TOKEN_ID"]) for row in client.get("/tokens").json()["data"])
