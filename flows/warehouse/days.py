"""The state of every day (hour): complete, backfilled, partial, late, missing or unrecoverable."""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from flows.config import SQL_DIR, Settings
from flows.errors import UsageError
from flows.warehouse.connection import set_macros


@dataclass(frozen=True)
class Day:
    """One row of `ops.day`; moments in UTC, no zone. `vendor` is None for prices."""

    dataset: str
    vendor: str | None
    timeframe: str
    bar_start: datetime
    state: str
    n_rows: int
    n_tokens: int
    n_expected: int
    first_known_at: datetime | None
    run_id: str | None


def write_days(connection: duckdb.DuckDBPyConnection, settings: Settings, as_of: datetime) -> None:
    """Fill `ops.day` with the states at `as_of`, and `ops.feed_bar` with the bars they are derived from.

    Needs the models built.
    """
    connection.execute("delete from ops.feed_bar")
    connection.execute("insert into ops.feed_bar by name from work.feed_bar")
    connection.execute("delete from ops.day")
    _set_variables(connection, settings, as_of)
    connection.execute(f"insert into ops.day by name {_select()}")


def read_days(file: duckdb.DuckDBPyConnection, settings: Settings, as_of: datetime) -> list[Day]:
    """The states at `as_of`, from a published file: a day that has come due since its publish is late by now.

    Raises UsageError for a file of an earlier version, which lacks a table.
    """
    if not file.execute(
        "select 1 from duckdb_tables() where schema_name = 'ops' and table_name = 'feed_bar'"
    ).fetchone():
        raise UsageError(
            "An earlier version of trackrecord published this file. Run `trackrecord nightly`, which publishes it anew."
        )
    file.execute("set TimeZone = 'UTC'")
    set_macros(file, settings.timeframes)
    _set_variables(file, settings, as_of)
    return [Day(*row) for row in file.execute(_select()).fetchall()]


def _select() -> str:
    return (SQL_DIR / "ops" / "day.sql").read_text(encoding="utf-8")


def _set_variables(connection: duckdb.DuckDBPyConnection, settings: Settings, as_of: datetime) -> None:
    connection.execute("set variable day_as_of = $as_of::timestamp", {"as_of": as_of})
    connection.execute(
        "set variable late_after_hours = map($names, $hours)",
        {"names": list(settings.late_after_hours), "hours": list(settings.late_after_hours.values())},
    )
    for name, value in (
        ("max_age_days", settings.catch_up_max_age_days),
        ("catch_up", settings.catch_up),
    ):
        connection.execute(f"set variable {name} = $value", {"value": value})
