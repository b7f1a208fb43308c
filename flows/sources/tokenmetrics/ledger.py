"""The ledger of requests in the journal: what a run and a month spend, and how long the server took."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flows.clock import utc_now
from flows.errors import CreditsSpent
from flows.home import journal
from flows.sources.tokenmetrics.settings import TokenMetricsSettings

KIND = "requests"
REMEMBERED = timedelta(days=62)


@dataclass(frozen=True)
class RequestRecord:
    """One attempt at one request. `params` never hold a secret: the key travels in a header."""

    run_id: str | None
    request_id: str
    endpoint: str
    params: dict[str, str]
    status: int | None
    fault: str | None
    attempt: int
    n_bytes: int
    latency_ms: float
    server_request_id: str | None
    requested_at: datetime


class Ledger:
    """`journal/requests.jsonl`, kept open by one client. Needs no lock."""

    def __init__(self, home: Path) -> None:
        self._writer = journal.Writer(home, KIND)

    def record(self, call: RequestRecord) -> None:
        """Append a request without waiting for the disk: a power cut may lose the last ones."""
        self._writer.append([vars(call)])

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


def calls_of_month(home: Path, now: datetime) -> list[dict[str, Any]]:
    """The journal's lines of the calendar month of `now`, oldest first."""
    begins = f'{{"written_at": "{now:%Y-%m}'.encode()
    calls = []
    for line in journal.lines_since(home, KIND, _written_before(f"{now:%Y-%m}")):
        call = journal.event_of(line) if line.startswith(begins) else None
        if call is not None:
            calls.append(call)
    return calls


def answered_at(home: Path, endpoint: str, now: datetime) -> str | None:
    """The day (UTC) on which an endpoint last answered with rows or an empty list, by the journal.

    None if it has not within `REMEMBERED`: an endpoint silent for so long is gone.
    """
    newest = None
    named = f'"endpoint": "{endpoint}"'.encode()
    first = f"{now - REMEMBERED:%Y-%m-%d}"
    for line in journal.lines_since(home, KIND, _written_before(first)):
        call = journal.event_of(line) if named in line else None
        if call is not None and call["status"] == 200 and not call["fault"] and call["requested_at"] >= first:
            newest = call["requested_at"]
    return newest[:10] if newest else None


def _written_before(moment: str) -> Callable[[dict[str, Any]], bool]:
    """Whether an event is older than a moment as the journal writes it, which may be cut to a month or day."""
    return lambda event: str(event["written_at"]) < moment


def credits_spent(home: Path, now: datetime) -> int:
    """Credits spent in the calendar month of `now`: one for each request that the server answered."""
    return sum(call["status"] is not None for call in calls_of_month(home, now))


def check_credits(home: Path, settings: TokenMetricsSettings, n_calls: int) -> None:
    """Raise CreditsSpent where the rest of the month does not pay for so many requests."""
    spent = credits_spent(home, utc_now())
    if spent + n_calls > settings.monthly_credits:
        raise CreditsSpent(
            f"The run wants about {n_calls} calls, and of this month's {settings.monthly_credits} credits {spent} are "
            "spent (docs/errors.md, credits_spent). Make TOKENMETRICS_UNIVERSE or TOKENMETRICS_HISTORY_DAYS smaller, "
            "or raise TOKENMETRICS_MONTHLY_CREDITS if your plan has more. Nothing was called."
        )


@dataclass(frozen=True)
class EndpointUse:
    """The month's requests to one endpoint; latencies in milliseconds, of those that were answered."""

    endpoint: str
    n_calls: int
    n_credits: int
    n_failed: int
    p50: float | None
    p95: float | None
    p99: float | None


def use_by_endpoint(home: Path, now: datetime) -> list[EndpointUse]:
    """The month's requests to each endpoint, by name."""
    calls: dict[str, list[dict[str, Any]]] = {}
    for call in calls_of_month(home, now):
        calls.setdefault(call["endpoint"], []).append(call)
    return [_use(name, calls[name]) for name in sorted(calls)]


def _use(endpoint: str, calls: list[dict[str, Any]]) -> EndpointUse:
    latencies = sorted(call["latency_ms"] for call in calls if call["status"] is not None)
    p50, p95, p99 = (quantile(latencies, share) for share in (0.5, 0.95, 0.99))
    return EndpointUse(
        endpoint, len(calls), len(latencies), sum(call["fault"] is not None for call in calls), p50, p95, p99
    )


def quantile(ordered: list[float], share: float) -> float | None:
    """The quantile of ordered values, linear between neighbours; None of nothing."""
    if not ordered:
        return None
    at = share * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)
