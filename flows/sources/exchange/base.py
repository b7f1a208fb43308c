"""What is asked of an exchange, whichever it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

PAGE = 300
"""Candles asked for in one call: the least of the large exchanges' limits."""


@dataclass(frozen=True)
class Candles:
    """One page of candles: start in milliseconds, open, high, low, close, volume in the base currency; and the answer
    they were read from, as it came."""

    rows: list[list[float]]
    answer: str | None = None


class Exchange(Protocol):
    """What is asked of an exchange."""

    name: str

    def markets(self) -> Mapping[str, tuple[str, str]]:
        """Base and quote of every open spot market, by its name. Raises SourceError."""

    def candles(self, market: str, timeframe: str, since: datetime) -> Candles:
        """A page of candles from `since` on, oldest first. Raises SourceError where the market gives none."""

    def has_timeframe(self, timeframe: str) -> bool:
        """Whether it has candles of that length."""


def price_source(exchange: str, market: str) -> str:
    """What a price's source is called: another market of the same exchange is another source."""
    return f"{exchange}:{market}"
