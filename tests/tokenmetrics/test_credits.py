"""A run starts only if the month's credits pay for all of it; pages of an interrupted run are not counted again."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from flows.clock import utc_now
from flows.devserver import DevServer, Fault
from flows.errors import CreditsSpent, SourceError
from flows.sources.base import FetchRequest
from flows.sources.tokenmetrics import TokenMetricsSource, ledger
from tests.tokenmetrics.conftest import NOW
from tests.tokenmetrics.desk import settings_for


def source_of(server: DevServer, **more: object) -> TokenMetricsSource:
    return TokenMetricsSource(settings_for(server, **more))


def newest_and_past(home: Path) -> tuple[FetchRequest, FetchRequest]:
    """A nightly's requests: the newest days of all tokens, and the past of some."""
    newest = FetchRequest(NOW, home)
    return newest, replace(
        newest, timeframes=("1d",), since=NOW.date() - timedelta(days=60), token_ids=frozenset((3375, 3306))
    )


def fetch_all(source: TokenMetricsSource, requests: Sequence[FetchRequest]) -> int:
    """Fetch as a run does; return how many datasets were delivered."""
    source.begin(requests)
    n_delivered = sum(1 for wanted in requests for _ in source.fetch(wanted))
    source.settle()
    return n_delivered


def test_a_month_that_pays_for_one_reading_of_two_starts_neither(server: DevServer, tmp_path: Path) -> None:
    requests = newest_and_past(tmp_path)
    first, both = (source_of(server).estimate(asked).total() for asked in (requests[:1], requests))
    assert first < both
    for n_left in (first, both - 1):
        with pytest.raises(CreditsSpent, match=f"wants about {both} calls, and of this month's {n_left} credits 0"):
            fetch_all(source_of(server, monthly_credits=n_left), requests)
    assert server.calls == []
    assert fetch_all(source_of(server, monthly_credits=both), requests)


@pytest.mark.parametrize("died_in", ["the first reading", "the second reading"])
def test_what_an_interrupted_run_holds_is_planned_and_paid_for_no_more(
    server: DevServer, tmp_path: Path, died_in: str
) -> None:
    fetch_all(source_of(server), newest_and_past(tmp_path / "newest")[:1])
    n_first = len(server.calls)
    server.calls.clear()
    fetch_all(source_of(server), newest_and_past(tmp_path / "whole"))
    n_whole = len(server.calls)
    server.calls.clear()
    requests = newest_and_past(tmp_path)
    planned = source_of(server).estimate(requests).total()
    n_calls = 9 if died_in == "the first reading" else n_first + 4
    server.faults = [Fault("status", "503", call=n_calls, times=None)]
    with suppress(SourceError):
        fetch_all(source_of(server, max_attempts=1, concurrency=1, monthly_credits=planned), requests)
    n_paid = len(server.calls)
    n_fetched = sum(call.status in (200, 404) for call in server.calls)
    server.faults = ()
    left = source_of(server).estimate(requests).total()
    assert planned - n_fetched <= left < planned
    # Credits exactly enough for the remaining pages; counting the stored ones again would refuse the run.
    spent = ledger.credits_spent(tmp_path, utc_now())
    assert spent == n_paid
    fetch_all(source_of(server, monthly_credits=spent + left), requests)
    assert len(server.calls) - n_paid == n_whole - n_fetched
    assert not list((tmp_path / "pages").rglob("*.pages"))


def test_the_notes_of_every_request_are_shown(server: DevServer, tmp_path: Path) -> None:
    server.faults = [Fault("status", "410", endpoint="correlation", times=None)]
    source = source_of(server)
    fetch_all(source, newest_and_past(tmp_path))
    assert len([line for line in source.notes if line.startswith("correlation is not there")]) == 1
