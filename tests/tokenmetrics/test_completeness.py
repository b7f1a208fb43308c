"""A fetch gets every row that the server has, and none twice, whatever its paging does."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.devserver import DevServer, Fault, fail_every
from flows.sources.tokenmetrics.endpoints import BY_NAME
from flows.sources.tokenmetrics.queries import Window, best_cut, day_spans, queries
from tests.tokenmetrics.conftest import NOW
from tests.tokenmetrics.desk import Brought, fetch, settings_for

# Pages far smaller than the answers, so that every answer has several pages.
NARROW = {"page_limit": 7}


def wanted(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows of the requested days; hourly signals, whose endpoint takes no dates, come with some older ones."""
    return [row for row in rows if row[1] != "1h" or row[2] >= f"{NOW - timedelta(days=1):%Y-%m-%d}"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Brought:
    """The rows from a server without faults."""
    with DevServer(now=NOW) as server:
        return fetch(server, tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize(
    "fault",
    [
        Fault("shuffle", times=None),
        pytest.param(Fault("repeat", "3", times=None), marks=pytest.mark.slow),
        Fault("lose", "3", times=None),
        pytest.param(Fault("shrink", "3", call=9, times=4), marks=pytest.mark.slow),
        Fault("shrink", "40", endpoint="trading-signals", call=1),
        pytest.param(Fault("shrink", "40", endpoint="top-market-cap-tokens", call=1), marks=pytest.mark.slow),
        pytest.param(Fault("status", "404", endpoint="quantmetrics", call=1), marks=pytest.mark.slow),
        Fault("status", "404", endpoint="trading-signals", call=1),
    ],
    ids=str,
)
def test_nothing_is_lost_and_nothing_comes_twice(
    server: DevServer, tmp_path: Path, whole: Brought, fault: Fault
) -> None:
    server.faults = [fault]
    brought = fetch(server, tmp_path)
    for name, rows in whole.rows.items():
        assert wanted(brought.rows[name]) == wanted(rows), name


@pytest.mark.parametrize(
    "fault",
    [Fault("shuffle", times=None), pytest.param(Fault("shrink", "3", call=30, times=5), marks=pytest.mark.slow)],
    ids=str,
)
def test_narrow_pages_bring_the_same(server: DevServer, tmp_path: Path, whole: Brought, fault: Fault) -> None:
    server.faults = [fault]
    brought = fetch(server, tmp_path, timeframes=("1d",), **NARROW)
    for name in ("tokens", "quantmetrics", "levels"):
        assert brought.rows[name] == whole.rows[name], name
    assert brought.rows["signals"] == [row for row in whole.rows["signals"] if row[1] == "1d"]
    assert brought.rows["prices"] == [row for row in whole.rows["prices"] if row[1] == "1d"]


def test_a_server_that_pages_by_a_smaller_limit_than_asked_is_read_to_its_end(
    server: DevServer, tmp_path: Path, whole: Brought
) -> None:
    """A page shorter than requested is not taken for the last one while rows are missing."""
    server.dialect = type(server.dialect)(max_limit=50)
    brought = fetch(server, tmp_path, timeframes=("1d",))
    assert brought.rows["signals"] == [row for row in whole.rows["signals"] if row[1] == "1d"]


def test_one_page_holds_each_answer_where_its_size_can_be_foreseen(server: DevServer, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    foreseen = [call for call in server.calls if BY_NAME[call.endpoint].grain.name in ("TOKEN", "TOKEN_DAY")]
    assert len(foreseen) > 20
    # Two requests for a second page check whether the server's pages are shorter than requested.
    assert sum(call.params["page"] != "1" for call in foreseen) <= 2


def test_spans_cover_every_day_once(server: DevServer) -> None:
    """Unlike in the vendor's own client, spans do not overlap at their ends (1461 days came as 1511 rows there)."""
    window = Window(NOW.date().replace(year=2022), NOW.date(), NOW)
    spans = day_spans(window, 29)
    days = [day for since, until in spans for day in range(since.toordinal(), until.toordinal() + 1)]
    assert days == list(range(window.since.toordinal(), window.until.toordinal() + 1))
    assert max((until - since).days for since, until in spans) == 28


def test_a_query_asks_for_fewer_rows_than_a_page_holds(server: DevServer) -> None:
    settings = settings_for(server)
    for n_days in (1, 7, 29, 90):
        window = Window(NOW.date().replace(day=1), NOW.date(), NOW)
        for query in queries(BY_NAME["daily-ohlcv"], tuple(range(n_days * 11)), window, settings):
            assert query.since is not None and query.until is not None
            assert len(query.token_ids) * ((query.until - query.since).days + 1) < settings.page_limit


def test_a_week_of_many_tokens_costs_what_its_rows_cost(server: DevServer) -> None:
    """1,500 tokens and 8 days are 12,000 rows, which fill 120 pages; checking for missing rows costs 5 more."""
    window = Window(NOW.date().replace(day=15), NOW.date(), NOW)
    n_tokens, spans = best_cut(1_500, window, settings_for(server))
    assert 120 < -(-1_500 // n_tokens) * len(spans) <= 125


def test_a_fifth_of_all_calls_answered_429_costs_a_third_more_at_most(
    server: DevServer, tmp_path: Path, whole: Brought
) -> None:
    server.faults = [fail_every("status", "429", share=0.2)]
    brought = fetch(server, tmp_path)
    assert all(wanted(brought.rows[name]) == wanted(rows) for name, rows in whole.rows.items())
    assert {call.status for call in server.calls} == {200, 404, 429}
    assert brought.n_calls <= 1.3 * whole.n_calls
