"""One request: which failures are retried, how long it waits, and which key it uses."""

import asyncio
import re
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

from flows.config import ROOT
from flows.devserver import KEY, LATE_2025, DevServer, Fault, Plan
from flows.errors import CreditsSpent, EndpointRefused, KeyRefused, SourceError, UsageError
from flows.home import journal
from flows.sources.tokenmetrics import TokenMetricsSettings, ledger
from flows.sources.tokenmetrics.client import Answer, Client
from flows.sources.tokenmetrics.faults import OF_STATUS, fault_of
from flows.sources.tokenmetrics.faults import Fault as Code
from flows.sources.tokenmetrics.keys import find_keys
from flows.sources.tokenmetrics.retry import retry_after, seconds_to_wait, unasked_wait
from tests.tokenmetrics.desk import fetch, settings_for

OTHER_KEY = "tm-11111111-1111-4111-8111-111111111111"


def ask(server: DevServer, home: Path, endpoint: str = "tokens", **more: object) -> Answer:
    """One request, with the client's retries."""
    settings = settings_for(server, **more)

    async def once() -> Answer:
        async with Client(settings, find_keys(settings), home) as client:
            return await client.get(endpoint, {"limit": "3", "page": "1"})

    return asyncio.run(once())


TRANSIENT = [
    Fault("status", "408"),
    Fault("status", "429"),
    Fault("status", "500"),
    Fault("status", "503"),
    Fault("html"),
    Fault("blank"),
    Fault("cut"),
    Fault("reset"),
    Fault("length", "10"),
    Fault("length", "-10"),
    Fault("stall", "2"),
]


@pytest.mark.parametrize("fault", TRANSIENT, ids=str)
def test_what_may_go_better_is_tried_again(server: DevServer, tmp_path: Path, fault: Fault) -> None:
    server.faults = [fault]
    assert ask(server, tmp_path, timeout_seconds=0.5).status == 200
    events = journal.read(tmp_path, "requests")
    assert [(line["attempt"], line["fault"] is None) for line in events] == [(1, False), (2, True)]


@pytest.mark.parametrize(
    ("status", "error"), [(400, SourceError), (401, EndpointRefused), (402, SourceError), (403, EndpointRefused)]
)
def test_what_cannot_go_better_is_never_tried_again(
    server: DevServer, tmp_path: Path, status: int, error: type[Exception]
) -> None:
    server.faults = [Fault("status", str(status), times=None)]
    with pytest.raises(error):
        ask(server, tmp_path)
    assert len(server.calls) == 1


def test_a_404_without_rows_is_an_empty_answer(server: DevServer, tmp_path: Path) -> None:
    server.faults = [Fault("status", "404", times=None)]
    assert ask(server, tmp_path).status == 404
    assert len(server.calls) == 1


def test_a_404_that_is_no_answer_means_that_the_endpoint_is_gone(server: DevServer, tmp_path: Path) -> None:
    with pytest.raises(EndpointRefused, match="tokenz is not there"):
        ask(server, tmp_path, "tokenz")


def test_attempts_end_with_an_error(server: DevServer, tmp_path: Path) -> None:
    server.faults = [Fault("status", "503", times=None)]
    with pytest.raises(SourceError, match=r"tokens did not answer usefully in 3 attempts: status 503.*Run again later"):
        ask(server, tmp_path, max_attempts=3)
    assert len(server.calls) == 3


def test_a_429_is_no_failed_attempt(server: DevServer, tmp_path: Path) -> None:
    """A request that alternates between failures and 429s may use up the limits of both."""
    server.faults = [Fault("status", "429", times=3), Fault("status", "503", call=4, times=2)]
    assert ask(server, tmp_path, max_attempts=3, max_too_many=4, retry_budget=2).status == 200
    assert [call.status for call in server.calls] == [429, 429, 429, 503, 503, 200]


def test_endless_429s_end_too(server: DevServer, tmp_path: Path) -> None:
    server.faults = [Fault("status", "429", times=None)]
    with pytest.raises(SourceError, match=r"tokens did not answer usefully in 4 attempts: status 429.*Run again later"):
        ask(server, tmp_path, max_attempts=3, max_too_many=4)
    assert len(server.calls) == 4


def test_a_run_has_so_many_retries_and_no_more(server: DevServer, tmp_path: Path) -> None:
    server.faults = [Fault("status", "503", times=None)]
    with pytest.raises(SourceError, match="The run's retries are spent"):
        ask(server, tmp_path, max_attempts=50, retry_budget=4)
    assert len(server.calls) == 5


def test_retry_after_is_a_floor(server: DevServer, tmp_path: Path) -> None:
    server.faults = [Fault("status", "429", retry_after="1")]
    begun = time.monotonic()
    ask(server, tmp_path)
    assert time.monotonic() - begun >= 1


def test_retry_after_is_read_as_seconds_and_as_a_date_by_the_servers_clock() -> None:
    now = datetime(2026, 11, 22, 12)
    later = format_datetime((now + timedelta(seconds=90)).replace(tzinfo=UTC), usegmt=True)
    server_now = format_datetime((now + timedelta(seconds=60)).replace(tzinfo=UTC), usegmt=True)
    assert retry_after({"retry-after": "7"}, now) == 7
    assert retry_after({"retry-after": later}, now) == 90
    assert retry_after({"retry-after": later, "date": server_now}, now) == 30
    assert retry_after({"retry-after": "soon"}, now) is None
    assert retry_after({}, now) is None


def test_a_wait_that_is_too_long_stops_the_run(server: DevServer, tmp_path: Path) -> None:
    server.faults = [Fault("status", "429", retry_after="4000")]
    with pytest.raises(SourceError, match="asks to wait 4000 seconds"):
        ask(server, tmp_path)


def test_never_more_calls_in_a_minute_than_the_setting(tmp_path: Path) -> None:
    """Sixty a minute allows a burst of six, and then nine in ten seconds, so that no minute exceeds sixty."""
    with DevServer() as server:
        settings = settings_for(server, requests_per_minute=60, concurrency=8)

        async def many() -> None:
            async with Client(settings, find_keys(settings), tmp_path) as client:
                tasks = [asyncio.create_task(client.get("price", {"token_id": "900001"})) for _ in range(40)]
                await asyncio.sleep(3)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run(many())
        assert 6 <= len(server.calls) <= 6 + 0.9 * 4


def test_a_second_key_is_tried_once_with_a_note_to_the_operator(server: DevServer, tmp_path: Path) -> None:
    server.keys = (OTHER_KEY,)
    brought = fetch(server, tmp_path, api_key_next=OTHER_KEY, timeframes=("1d",))
    assert brought.rows["signals"]
    # Requests that were under way with the first key are refused, too.
    assert Counter(call.status for call in server.calls)[401] <= 4
    (note,) = [line for line in brought.notes if "refused" in line]
    assert "TOKENMETRICS_API_KEY_NEXT was accepted" in note and KEY not in note and OTHER_KEY not in note


def test_a_key_that_is_revoked_half_way_costs_nothing(tmp_path: Path) -> None:
    with DevServer(keys=(KEY, OTHER_KEY), revoked={KEY: 20}) as server:
        assert fetch(server, tmp_path, api_key_next=OTHER_KEY, as_of=server.now).rows["signals"]


def test_a_bad_key_stops_at_once_and_names_its_variable(server: DevServer, tmp_path: Path) -> None:
    server.keys = (OTHER_KEY,)
    with pytest.raises(KeyRefused, match="The key in TOKENMETRICS_API_KEY is refused") as raised:
        fetch(server, tmp_path)
    assert KEY not in str(raised.value)
    assert len(server.calls) == 2


@pytest.mark.parametrize("status", [401, 403])
def test_a_plan_that_lacks_an_endpoint_goes_without_it(tmp_path: Path, status: int) -> None:
    with DevServer(plan=Plan(lacks=frozenset({"resistance-support"}), denied_status=status)) as server:  # type: ignore[arg-type]
        brought = fetch(server, tmp_path, as_of=server.now)
    assert "levels" not in brought.rows and brought.rows["signals"]
    assert [
        line
        for line in brought.notes
        if "resistance-support is not in your plan" in line and "part of levels (1d) is missing" in line
    ]
    assert [line["endpoint"] for line in journal.read(tmp_path, "drift") if line["what"] == "not_in_plan"] == [
        "resistance-support"
    ]


def test_a_plan_without_signals_is_no_plan(tmp_path: Path) -> None:
    with (
        DevServer(plan=Plan(lacks=frozenset({"trading-signals"}))) as server,
        pytest.raises(SourceError, match="Without signals"),
    ):
        fetch(server, tmp_path, as_of=server.now)


def test_a_refusal_after_an_answer_is_not_taken_for_the_plan(server: DevServer, tmp_path: Path) -> None:
    server.faults = [Fault("status", "403", endpoint="tm-grade-history", call=2)]
    with pytest.raises(SourceError, match="was refused \\(403\\) after it had answered"):
        fetch(server, tmp_path, history_days=60)


def test_what_answered_yesterday_is_asked_twice_before_it_is_given_up(server: DevServer, tmp_path: Path) -> None:
    fetch(server, tmp_path, timeframes=("1d",))
    server.faults = [Fault("status", "403", endpoint="quantmetrics", call=1)]
    whole = fetch(server, tmp_path, timeframes=("1d",))
    assert whole.rows["quantmetrics"] and not [line for line in whole.notes if "not in your plan" in line]

    server.faults = []
    server.plan = Plan(lacks=frozenset({"quantmetrics"}))
    n_before = len(server.calls)
    brought = fetch(server, tmp_path, timeframes=("1d",))
    assert brought.rows["signals"] and "quantmetrics" not in brought.rows
    assert [
        line for line in brought.notes if "quantmetrics is not in your plan" in line and "It last answered on" in line
    ]
    assert sum(call.endpoint == "quantmetrics" for call in server.calls[n_before:]) == 2


def test_an_end_that_was_announced_stops_nothing_when_it_comes(server: DevServer, tmp_path: Path) -> None:
    fetch(server, tmp_path, timeframes=("1d",))
    server.dialect = LATE_2025
    brought = fetch(server, tmp_path, timeframes=("1d",))
    assert {row[1] for row in brought.rows["grades"]} == {"tm", "fundamental", "technology"}
    assert [line for line in brought.notes if "trader-grades is not there" in line]


def test_a_refusal_in_html_is_not_the_vendors(tmp_path: Path) -> None:
    challenge = httpx.MockTransport(lambda request: httpx.Response(403, html="<html>Checking your browser</html>"))
    settings = TokenMetricsSettings(_env_file=None, api_key=KEY, base_url="http://127.0.0.1:9/v2")  # type: ignore[call-arg]

    async def once() -> None:
        async with Client(settings, find_keys(settings), tmp_path, transport=challenge) as client:
            await client.get("quantmetrics", {})

    with pytest.raises(SourceError, match="a check for bots") as raised:
        asyncio.run(once())
    assert not isinstance(raised.value, EndpointRefused)


def test_waits_after_a_429_without_a_retry_after_outlast_a_minute(server: DevServer) -> None:
    settings = TokenMetricsSettings(_env_file=None)
    waits = [unasked_wait(attempt, settings) for attempt in range(1, settings.max_too_many)]
    assert waits[0] <= 1 and sum(waits[:4]) > 60 and max(waits) == settings.max_backoff_seconds


def test_a_rate_that_is_too_high_is_noted(server: DevServer, tmp_path: Path) -> None:
    server.faults = [Fault("status", "429", call=5, times=3)]
    notes = fetch(server, tmp_path, timeframes=("1d",)).notes
    assert [line for line in notes if line.startswith("3 calls of") and "TOKENMETRICS_REQUESTS_PER_MINUTE" in line]


def test_a_month_that_cannot_pay_starts_nothing(server: DevServer, tmp_path: Path) -> None:
    with pytest.raises(CreditsSpent, match="of this month's 5 credits 0 are spent"):
        fetch(server, tmp_path, monthly_credits=5)
    assert server.calls == []


def test_the_ledger_counts_what_the_server_counts(server: DevServer, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    assert ledger.credits_spent(tmp_path, datetime.now(UTC).replace(tzinfo=None)) == len(server.calls)


def test_the_older_header_is_a_setting(tmp_path: Path) -> None:
    from flows.devserver import SPRING_2025

    with DevServer(dialect=SPRING_2025) as server:
        with pytest.raises(EndpointRefused):
            ask(server, tmp_path)
        assert ask(server, tmp_path, header_names="x-api-key,api_key").status == 200


def test_the_error_catalogue_is_right_about_every_code() -> None:
    text = (ROOT / "docs" / "errors.md").read_text()
    documented = {
        code: is_retried == "yes" for code, is_retried in re.findall(r"^\| `([^`]+)` \|.*\| (yes|no) \|$", text, re.M)
    }
    assert documented == {fault.value: fault.is_retried for fault in Code}
    assert {status: fault_of(status) for status in OF_STATUS} == OF_STATUS


def test_only_https_leaves_this_machine() -> None:
    from pydantic import ValidationError

    from flows.sources.tokenmetrics import TokenMetricsSettings

    for url in ("http://api.tokenmetrics.com/v2", "ftp://127.0.0.1/v2", "https://user:secret@example.com/v2"):
        with pytest.raises(ValidationError) as raised:
            TokenMetricsSettings(base_url=url, _env_file=None)
        assert "secret" not in str(raised.value).replace("a secret in a URL", "")


def test_the_past_cannot_be_asked_of_a_live_vendor(tmp_path: Path) -> None:
    from flows.sources.base import FetchRequest
    from flows.sources.tokenmetrics import TokenMetricsSettings, TokenMetricsSource

    source = TokenMetricsSource(TokenMetricsSettings(api_key=KEY, _env_file=None))
    with pytest.raises(UsageError, match="--as-of cannot go back"):
        list(source.fetch(FetchRequest(datetime(2026, 1, 1), tmp_path)))


def test_what_the_server_asked_for_is_waited_for_and_our_own_wait_is_capped(server: DevServer) -> None:
    settings = settings_for(server, backoff_seconds=1, max_backoff_seconds=8)
    assert all(20 <= seconds_to_wait(attempt, 20, settings) <= 24 for attempt in range(1, 12))
    drawn = [seconds_to_wait(11, 0, settings) for _ in range(50)]
    assert all(4 <= seconds <= 8 for seconds in drawn) and len(set(drawn)) > 10
    assert 0.5 <= seconds_to_wait(1, 0, settings) <= 1
