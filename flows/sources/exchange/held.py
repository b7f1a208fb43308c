"""What is already published of an exchange's prices."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from flows.sources.exchange.base import price_source


@dataclass(frozen=True)
class Held:
    """What is published of an exchange's prices: the market of each token, and the newest bar of each series."""

    markets: Mapping[int, str]
    newest: Mapping[tuple[int, str, str], datetime]


def what_is_held(home: Path, exchange: str) -> Held:
    """Ask the published file, which can be read whoever builds; nothing before the first publish."""
    published = home / "published" / "trackrecord.duckdb"
    if not published.exists():
        return Held({}, {})
    prefix = price_source(exchange, "")
    with duckdb.connect(str(published), read_only=True) as file:
        rows = file.execute(
            "select token_id, timeframe, price_source, min(bar_start), max(bar_start) from core.price_bar "
            "where starts_with(price_source, ?) group by all order by min(bar_start) desc",
            [prefix],
        ).fetchall()
    # The market whose bars begin first is the one that outcomes use; it is the last of its token here.
    markets = {token_id: source.removeprefix(prefix) for token_id, _, source, _, _ in rows}
    newest = {(token, timeframe, source.removeprefix(prefix)): last for token, timeframe, source, _, last in rows}
    return Held(markets, newest)
