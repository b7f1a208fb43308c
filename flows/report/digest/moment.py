"""The moment of a week's digest, and the published file as known at that moment.

The moment is the as-of moment of the first publish after the week: the earliest in the following ISO week.
`marts.scorecard_history` keeps the scorecard of exactly that publish. An archive, whose prices ended long before the
publish, has the digest of its own last week, as the newest publish of it knows it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from flows.config import SQL_DIR
from flows.errors import UsageError
from flows.report.archive import archive_end
from flows.timeframes import TIMEFRAMES
from flows.warehouse.connection import set_macros

WEEK = timedelta(days=7)

# A select a file; `views.sql` holds what they share.
REPORTS = SQL_DIR / "reports" / "digest"


@dataclass(frozen=True)
class Moment:
    """The week [from, to) of a digest, and the publish that it is made from.

    `archive_end` is when the prices of an archive ended; None where they go on.
    """

    week: str
    week_from: datetime
    week_to: datetime
    as_of: datetime
    last_as_of: datetime | None
    archive_end: datetime | None
    run_id: str
    published_at: datetime
    source: str
    is_simulated: bool
    cost_bps: float
    version: str


def week_of(as_of: datetime) -> str:
    """The newest week that had ended at a moment, as ISO 8601 writes it."""
    ended = (as_of - WEEK).isocalendar()
    return f"{ended.year}-W{ended.week:02}"


class File:
    """The published file, read-only, as it was known at a moment."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, moment: Moment) -> None:
        self.connection = connection
        self.moment = moment
        for name in ("as_of", "last_as_of", "week_from", "week_to", "published_at"):
            connection.execute(f"set variable {name} = $value::timestamp", {"value": getattr(moment, name)})
        set_macros(connection, TIMEFRAMES)
        connection.execute(_sql("views"))
        self.tables = {
            f"{schema}.{table}"
            for schema, table in connection.execute(
                "select distinct schema_name, table_name from duckdb_columns()"
            ).fetchall()
        }

    def rows(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        """The rows of a select as dictionaries, floats rounded to 12 digits.

        A product over a table that has grown since differs in the fifteenth digit, and a digest must not.
        """
        cursor = self.connection.execute(sql, parameters or None)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, map(_to_12_digits, row), strict=True)) for row in cursor.fetchall()]

    def row(self, sql: str, **parameters: Any) -> dict[str, Any]:
        """The one row that a select returns."""
        (row,) = self.rows(sql, **parameters)
        return row

    def report(self, name: str, **variables: str) -> list[dict[str, Any]]:
        """The rows of the select in `sql/reports/digest/<name>.sql`, which reads these variables."""
        for variable, value in variables.items():
            self.connection.execute(f"set variable {variable} = $value", {"value": value})
        return self.rows(_sql(name))

    def report_row(self, name: str, **variables: str) -> dict[str, Any]:
        """The one row of the select in `sql/reports/digest/<name>.sql`."""
        (row,) = self.report(name, **variables)
        return row


@contextmanager
def open_at(published: Path, week: str | None) -> Iterator[File]:
    """Open the published file as known at a week's moment; without a week, the newest that has a digest.

    Raises UsageError for a week without a publish in the week after it, naming the weeks there are.
    """
    with duckdb.connect(str(published), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield File(connection, _find(connection, week))


def weeks_of(published: Path) -> list[str]:
    """Every week that a digest can be made of, oldest first."""
    with duckdb.connect(str(published), read_only=True) as connection:
        return sorted({week_of(end or as_of) for as_of, end in _moments(connection)})


def _sql(name: str) -> str:
    return (REPORTS / f"{name}.sql").read_text(encoding="utf-8")


def _to_12_digits(value: Any) -> Any:
    return float(f"{value:.12g}") if isinstance(value, float) else value


def _moments(connection: duckdb.DuckDBPyConnection) -> list[tuple[datetime, datetime | None]]:
    """The as-of moment of each publish that a digest is made from, and the end of an archive."""
    moments = connection.execute(
        """
        select coalesce(min(history.as_of), arg_min(publish.as_of, publish.published_at)) as as_of
        from ops.publish as publish
        left join (select distinct published_as_of as as_of from marts.scorecard_history) as history
            on date_trunc('week', publish.as_of) = date_trunc('week', history.as_of)
        group by date_trunc('week', publish.as_of)
        order by as_of
        """
    ).fetchall()
    return [(as_of, archive_end(connection, as_of)) for (as_of,) in moments]


def _find(connection: duckdb.DuckDBPyConnection, week: str | None) -> Moment:
    moments = {week_of(end or as_of): (as_of, end) for as_of, end in _moments(connection)}
    wanted = week or max(moments)
    if wanted not in moments:
        raise UsageError(
            f"--week {wanted} has no digest: nothing was published in the week after it. There are "
            f"{', '.join(sorted(moments)[-5:])}. Write a week like 2026-W47."
        )
    as_of, end = moments[wanted]
    publish = connection.execute(
        "select publish.run_id, published_at, publish.source, publish.is_simulated, cost_bps, run.version "
        "from ops.publish as publish inner join ops.run as run using (run_id) where publish.as_of = $as_of "
        "order by published_at limit 1",
        {"as_of": as_of},
    ).fetchone()
    assert publish is not None
    year, number = wanted.split("-W")
    week_from = datetime.combine(date.fromisocalendar(int(year), int(number), 1), datetime.min.time())
    last_as_of, _ = moments.get(week_of(week_from), (None, None))
    run_id, published_at, source, is_simulated, cost_bps, version = publish
    return Moment(
        week=wanted,
        week_from=week_from,
        week_to=week_from + WEEK,
        as_of=as_of,
        last_as_of=last_as_of,
        archive_end=end,
        run_id=run_id,
        published_at=published_at,
        source=source,
        is_simulated=is_simulated,
        cost_bps=cost_bps,
        version=version,
    )
