"""Another server that follows the same documents, and differs wherever they leave a choice, is read completely too."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.datasets import DATASETS
from flows.errors import SourceError
from flows.home.raw_store import keep
from flows.sources.base import FetchRequest
from flows.sources.tokenmetrics import TokenMetricsSettings, TokenMetricsSource
from tests.tokenmetrics.another_vendor import N_DAYS, N_HOURS, NOW, TOKENS, Manner, Vendor, serving
from tests.tokenmetrics.desk import QUICK

NOTHING_NULL = (404, {"success": False, "message": "Data not found", "data": None})
NOTHING_BARE = (404, {"success": False, "message": "Data not found"})
NOTHING_200 = (200, {"success": True, "message": "Data fetched successfully", "length": 0, "data": []})
NOTHING_FALSE = (200, {"success": False, "message": "No data found", "length": 0, "data": []})

MANNERS: dict[str, tuple[Manner, dict[str, Any]]] = {
    "as documented": (Manner(), {}),
    "pages from 0": (Manner(first_page=0), {"first_page": 0}),
    "page 0 is page 1": (Manner(is_zero_one=True, max_rows=5), {"first_page": 0, "page_limit": 5}),
    "v3 with totals": (Manner(version="v3"), {}),
    "nothing is null": (Manner(nothing=NOTHING_NULL), {}),
    "nothing is left out": (Manner(nothing=NOTHING_BARE), {}),
    "nothing is 200": (Manner(nothing=NOTHING_200), {}),
    "nothing is a failure with 200": (Manner(nothing=NOTHING_FALSE), {}),
    "the last page again": (Manner(beyond="last again"), {}),
    "the last page again, short pages": (Manner(beyond="last again", max_rows=5), {"page_limit": 5}),
    "a page beyond the end is refused": (Manner(beyond="refused"), {}),
    "every page is the first": (Manner(beyond="first again"), {}),
    "cut to 50 rows without a word": (Manner(max_rows=50), {}),
    "cut to 5 rows without a word": (Manner(max_rows=5), {}),
    "cut to 5 rows, and the last again": (Manner(max_rows=5, beyond="last again"), {}),
    "oldest first": (Manner(is_ascending=True), {}),
    "oldest first, short pages": (Manner(is_ascending=True, max_rows=7), {"page_limit": 7}),
    "numbers as text": (Manner(is_text=True), {}),
    "compressed": (Manner(is_zipped=True), {}),
    "closes every connection": (Manner(is_closing=True), {}),
    "length is the total": (Manner(gives_total=True, max_rows=50), {}),
    "the end is excluded": (Manner(is_end_excluded=True), {"end_is_excluded": True}),
    "a lower rate than said": (Manner(per_window=9), {"backoff_seconds": 0.1}),
    "a lower rate, in seconds": (Manner(per_window=30, window_seconds=1, retry_after="seconds"), {}),
    "a lower rate, as a date": (Manner(per_window=30, window_seconds=1, retry_after="date"), {}),
    "failures with 200": (Manner(failing_200=3), {}),
    "other words for a path unknown": (Manner(gone={"message": "no Route matched"}), {}),
}


def fetched(vendor: Vendor, home: Path, **more: Any) -> tuple[dict[str, list[tuple[Any, ...]]], tuple[str, ...]]:
    """The rows of each dataset, and the notes to the operator."""
    import duckdb

    settings = {**QUICK, "base_url": vendor.url, "max_backoff_seconds": 5, "hourly_days": 1, **more}
    source = TokenMetricsSource(TokenMetricsSettings(_env_file=None, **settings))
    kept = {one.dataset: keep(home, one, source="tokenmetrics") for one in source.fetch(FetchRequest(NOW, home))}
    with duckdb.connect() as connection:
        rows = {
            name: sorted(source.parse(connection, DATASETS[name], kept[name])[0].rows.fetchall(), key=str)
            for name in kept.keys() & DATASETS.keys()
        }
    return rows, tuple(source.notes)


# The manners that test something new run always; the others are slow tests.
BY_DEFAULT = (
    "page 0 is page 1",
    "v3 with totals",
    "nothing is left out",
    "the last page again",
    "a page beyond the end is refused",
    "cut to 50 rows without a word",
    "oldest first, short pages",
    "numbers as text",
    "failures with 200",
)


@pytest.mark.parametrize(
    "name", [name if name in BY_DEFAULT else pytest.param(name, marks=pytest.mark.slow) for name in MANNERS]
)
def test_another_server_is_read_whole_and_no_row_comes_twice(name: str, tmp_path: Path) -> None:
    manner, settings = MANNERS[name]
    with serving(manner) as vendor:
        rows, notes = fetched(vendor, tmp_path, **settings)
    today = [one for one in rows["prices"] if one[1] == "1h" and one[2] >= "2026-11-22"]
    daily = {kind: [one for one in rows[kind] if one[1] == "1d"] for kind in ("prices", "signals")}
    hourly = [one for one in rows["signals"] if one[1] == "1h" and one[2] >= "2026-11-22"]
    n_hours_today = sum(NOW - timedelta(hours=number) >= datetime(2026, 11, 22) for number in range(N_HOURS))
    for there, n_each in ((rows["tokens"], 1), (today, n_hours_today), (hourly, n_hours_today)):
        assert len({one[:3] for one in there}) == len(there) == len(TOKENS) * n_each
    for there in daily.values():
        assert len({one[:3] for one in there}) == len(there) == len(TOKENS) * N_DAYS
    assert len(rows["levels"]) == 2 * len(TOKENS)
    assert len(rows["grades"]) == len(TOKENS)
    assert [line for line in notes if line.startswith("quantmetrics is not there")]


def test_a_server_that_knows_fewer_tokens_than_asked_for_is_noted(tmp_path: Path) -> None:
    with serving(Manner()) as vendor:
        _, notes = fetched(vendor, tmp_path, universe="top:20")
    assert [line for line in notes if f"lists {len(TOKENS)} tokens, not the 20" in line]


def test_an_end_that_is_excluded_shows(tmp_path: Path) -> None:
    """Without the setting the last day of every span is missing, and all hours are."""
    with serving(Manner(is_end_excluded=True)) as vendor:
        _, notes = fetched(vendor, tmp_path)
    assert [line for line in notes if "hourly-ohlcv: no rows" in line and "TOKENMETRICS_END_IS_EXCLUDED" in line]


@pytest.mark.parametrize("first_page", [0, 1])
def test_a_wrong_first_page_stops_the_run_or_loses_nothing(tmp_path: Path, first_page: int) -> None:
    with serving(Manner(first_page=1 - first_page)) as vendor:
        try:
            rows, _ = fetched(vendor, tmp_path, first_page=first_page)
        except SourceError:
            return
    assert len([one for one in rows["signals"] if one[1] == "1d"]) == len(TOKENS) * N_DAYS
