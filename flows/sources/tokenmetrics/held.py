"""What readers already have from this vendor, asked of the published file: it can be read whoever holds the lock."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

USABLE = "('passed', 'accepted')"


@dataclass(frozen=True)
class Held:
    """Tokens whose history is published, and the day of the newest fetch in it; nothing before the first publish."""

    token_ids: frozenset[int] = frozenset()
    newest: date | None = None


def what_is_held(home: Path) -> Held:
    """What the published file holds of this source."""
    published = home / "published" / "trackrecord.duckdb"
    if not published.exists():
        return Held()
    with duckdb.connect(str(published), read_only=True) as file:
        row = file.execute(
            f"""
            select max(as_of), list_distinct(flatten(list(token_ids) filter (where dataset = 'tokens')))
            from ops.snapshot
            where source = 'tokenmetrics' and state in {USABLE} and dataset in ('tokens', 'signals')
            """
        ).fetchone()
    if row is None or row[0] is None:
        return Held()
    return Held(frozenset(row[1] or ()), row[0].date())
