"""The prices of an exchange that are published already, from which the next fetch goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from flows.sources.exchange.base import price_source


@dataclass(frozen=True)
class PublishedPrices:
    """The market of each token, and the newest bar of each series, as published."""

    markets: Mapping[int, str]
    newest: Mapping[tuple[int, str, str], datetime]


def read_published_prices(home: Path, exchange: str) -> PublishedPrices:
    """Read the published file, which needs no lock; nothing before the first publish."""
    published = home / "published" / "trackrecord.duckdb"
    if not published.exists():
        return PublishedPrices({}, {})
    prefix = price_source(exchange, "")
    with duckdb.connect(str(published), read_only=True) as file:
        rows = file.execute(
            "select token_id, timeframe, price_source, min(bar_start), max(bar_start) from core.price_bar "
            "where starts_with(price_source, ?) group by all order by min(bar_start) desc",
            [prefix],
        ).fetchall()
    # Outcomes use the market whose bars begin first; it comes last of its token here and wins.
    markets = {token_id: source.removeprefix(prefix) for token_id, _, source, _, _ in rows}
    newest = {(token, timeframe, source.removeprefix(prefix)): last for token, timeframe, source, _, last in rows}
    return PublishedPrices(markets, newest)
