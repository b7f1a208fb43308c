"""What the double promises: the dialect of one age of the vendor's API, and what a plan buys.

The documents leave much open, and what they said changed five times in two years: everything of that kind is a value
here, with today's best guess as its default.
"""

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True)
class Dialect:
    """How a server of one age speaks.

    `headers`: names under which a key is taken. `over_limit`: what a `limit` above `max_limit` does. `span_days`: the
    longest range of dates. `dates`: how the moments that today carry a time are written (`plain` is the form of before
    2025). `removed`: endpoints that are gone.
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
        """The same server after it has lost these endpoints."""
        return replace(self, removed=self.removed | set(endpoints))


TODAY = Dialect()
SPRING_2025 = Dialect(headers=("api_key",), first_page=0, default_limit=1000, max_limit=100_000)
"""Before the change of May 2025."""
LATE_2025 = TODAY.without("trader-grades", "investor-grades", "sentiments", "scenario-analysis")
"""After the removals of August 2025, if the server followed the vendor's own clients."""


@dataclass(frozen=True)
class Plan:
    """What a key buys. None is no limit.

    `lacks`: endpoints it may not call, answered with `denied_status`. `retry_after`: how a 429 says when to come back.
    `ohlcv_days`: how far back candles may be asked for.
    """

    lacks: frozenset[str] = frozenset()
    denied_status: Literal[401, 403] = 403
    per_minute: int | None = None
    per_month: int | None = None
    retry_after: Literal["seconds", "date"] | None = "seconds"
    ohlcv_days: int | None = None


UNLIMITED = Plan()
