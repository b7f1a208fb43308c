"""Archives: files whose prices ended long ago, of which nothing is as of the present."""

from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from flows.home.nights import AFTER_THE_CLOSE
from flows.timeframes import bar_length

# Prices of files that ended longer than this before the as-of moment are an archive's.
ENDED_LONG_AGO = timedelta(days=30)


def archive_end(file: duckdb.DuckDBPyConnection, as_of: datetime) -> datetime | None:
    """When the prices ended, where files have delivered all that was known at a moment, and they ended long before."""
    row = file.execute(
        f"select max(read_to + {bar_length('timeframe')}), bool_and(is_archive) from ops.reread "
        "where dataset = 'prices' and as_of <= $as_of",
        {"as_of": as_of},
    ).fetchone()
    end, is_archive = row or (None, None)
    return end if is_archive and end is not None and as_of - end > ENDED_LONG_AGO else None


def archive_remark(published: Path) -> str | None:
    """What to do about prices that ended long before the newest publish; None where they go on or it is declared."""
    with duckdb.connect(str(published), read_only=True) as file:
        (as_of,) = file.execute("select arg_max(as_of, published_at) from ops.publish").fetchone() or (None,)
        end = archive_end(file, as_of)
        (is_declared,) = file.execute(
            "select arg_max(coalesce((declaration ->> '$.archive')::boolean, false), snapshot_id) from ops.snapshot "
            "where dataset = 'prices'"
        ).fetchone() or (None,)
    if end is None or is_declared:
        return None
    return (
        f"The prices end at {end:%Y-%m-%d %H:%M} UTC, long before this run: this is an archive. Its digest is that of "
        "its last week, and no date is given at which there will be enough calls. If nothing more will come, write "
        "`archive = true` into the folder's trackrecord.toml; to see it as it stood at its end, run it into a home of "
        f"its own with --as-of {end + AFTER_THE_CLOSE:%Y-%m-%dT%H:%M}."
    )
