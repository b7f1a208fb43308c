"""What readers already have from this vendor, asked of the published file: it can be read whoever holds the lock."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb


@dataclass(frozen=True)
class Held:
    """Tokens whose days are published, the newest day a signal is about, and the oldest; nothing before a publish."""

    token_ids: frozenset[int] = frozenset()
    newest: date | None = None
    oldest: date | None = None


def what_is_held(home: Path) -> Held:
    """What the published file holds of this source."""
    published = home / "published" / "trackrecord.duckdb"
    if not published.exists():
        return Held()
    with duckdb.connect(str(published), read_only=True) as file:
        row = file.execute(
            """
            with days as (
                select token_id, signal_at as day from core.signal where timeframe = '1d' and vendor = 'tokenmetrics'
                union all by name
                select token_id from core.price_bar where timeframe = '1d' and price_source = 'tokenmetrics'
            )
            select max(day), min(day), list(distinct token_id) from days
            """
        ).fetchone()
    if row is None or row[0] is None:
        return Held()
    return Held(frozenset(row[2] or ()), row[0].date(), row[1].date())
