"""The tokens and days of this vendor that are published already, read from the published file without the lock."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb


@dataclass(frozen=True)
class Coverage:
    """Tokens with published days, and the newest and oldest day of a signal; empty before the first publish."""

    token_ids: frozenset[int] = frozenset()
    newest: date | None = None
    oldest: date | None = None


def read_coverage(home: Path) -> Coverage:
    """The coverage of this vendor in the published file."""
    published = home / "published" / "trackrecord.duckdb"
    if not published.exists():
        return Coverage()
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
        return Coverage()
    return Coverage(frozenset(row[2] or ()), row[0].date(), row[1].date())
