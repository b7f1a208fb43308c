"""Retries: what is worth another attempt, how many there may be, and how long to wait; decided here alone."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from flows.sources.tokenmetrics.faults import Fault
from flows.sources.tokenmetrics.settings import TokenMetricsSettings

# Waits are drawn down to half their cap, so that requests that failed together are not repeated together.
JITTER = 0.5


class Transient(Exception):
    """A request failed in a way that another attempt may mend."""

    def __init__(self, fault: Fault, message: str, *, wait_at_least: float = 0) -> None:
        super().__init__(message)
        self.fault = fault
        self.wait_at_least = wait_at_least


@dataclass
class RetryBudget:
    """Further attempts left to one run, for all its requests together."""

    left: int

    def take(self) -> bool:
        """Whether there was one left."""
        self.left -= 1
        return self.left >= 0


def attempts(settings: TokenMetricsSettings, budget: RetryBudget) -> AsyncRetrying:
    """The attempts at one request. The last one's error is raised as it is.

    A 429 refuses a good request for now: those have a limit of their own, which is higher, and cost nothing of the
    run's budget.
    """
    n_met: Counter[bool] = Counter()

    def is_over(state: RetryCallState) -> bool:
        is_not_now = _transient(state).fault is Fault.TOO_MANY_REQUESTS
        n_met[is_not_now] += 1
        if is_not_now:
            return n_met[is_not_now] >= settings.max_too_many
        return n_met[is_not_now] >= settings.max_attempts or not budget.take()

    def wait(state: RetryCallState) -> float:
        return seconds_to_wait(state.attempt_number, _transient(state).wait_at_least, settings)

    return AsyncRetrying(retry=retry_if_exception_type(Transient), stop=is_over, wait=wait, reraise=True)


def _transient(state: RetryCallState) -> Transient:
    """The error of the last attempt; only this kind is retried."""
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, Transient)
    return error


def seconds_to_wait(attempt: int, floor: float, settings: TokenMetricsSettings) -> float:
    """Capped exponential backoff with jitter, on top of what the server asked for."""
    capped: float = min(settings.max_backoff_seconds, settings.backoff_seconds * 2 ** (attempt - 1))
    drawn: float = capped * random.uniform(1 - JITTER, 1)
    # What the server asked for is a floor: half of it would only be refused again.
    return max(drawn, floor + drawn * JITTER) if floor else drawn


def unasked_wait(attempt: int, settings: TokenMetricsSettings) -> float:
    """Seconds to wait at least after a 429 without a `Retry-After`: four of them outlast a minute's window."""
    capped: float = min(settings.max_backoff_seconds, settings.backoff_seconds * 4 ** (attempt - 1))
    return capped


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that `Retry-After` asks for, whether it gives seconds or a date; None where it is absent or unreadable.

    A date is compared with the server's own clock where the answer has one.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        until = http_date(text)
    if until is None:
        return None
    server_now = http_date(headers.get("date", "")) or now.replace(tzinfo=UTC)
    return max(0.0, (until - server_now).total_seconds())


def http_date(text: str) -> datetime | None:
    """The moment of an HTTP header, with its zone; None where it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
