"""The contract of the test double: the dialect of one version of the vendor's API, and the limits of a plan.

The vendor's documents leave much open and changed five times in two years, so everything of that kind is a value
here, with today's best guess as its default.
"""

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True)
class Dialect:
    """How the API behaved at one time.

    `headers`: header names that may carry the key. `over_limit`: what a `limit` above `max_limit` does. `span_days`:
    the longest range of dates. `dates`: the format of dates (`plain`, without a time, was used before 2025). `removed`:
    endpoints that no longer exist.
    """

    headers: tuple[str, ...] = ("x-api-key",)
    first_page: int = 1
    default_limit: int = 50
    max_limit: int = 100
    over_limit: Literal["clamp", "reject"] = "clamp"
    span_days: int | None = 29
    dates: Literal["iso", "plain"] = "iso"
    removed: frozenset[str] = frozenset()

    def without(self, *endpoints: str) -> "Dialect":
        """The same dialect without these endpoints."""
        return replace(self, removed=self.removed | set(endpoints))


TODAY = Dialect()
SPRING_2025 = Dialect(headers=("api_key",), first_page=0, default_limit=1000, max_limit=100_000)
"""The API before the change of May 2025."""
LATE_2025 = TODAY.without("trader-grades", "investor-grades", "sentiments", "scenario-analysis")
"""The API after August 2025, if it removed the endpoints that the vendor's own clients removed then."""


@dataclass(frozen=True)
class Plan:
    """The limits of a key's plan. None is no limit.

    `lacks`: endpoints it may not call, answered with `denied_status`. `retry_after`: the format of that header in a
    429. `ohlcv_days`: how many days back candles may be requested.
    """

    lacks: frozenset[str] = frozenset()
    denied_status: Literal[401, 403] = 403
    per_minute: int | None = None
    per_month: int | None = None
    retry_after: Literal["seconds", "date"] | None = "seconds"
    ohlcv_days: int | None = None


UNLIMITED = Plan()
