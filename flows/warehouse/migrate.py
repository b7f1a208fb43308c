"""Bringing the warehouse of an earlier version to the newest shape: numbered SQL files, applied in order, once."""

import re
from datetime import datetime
from functools import cache
from pathlib import Path

import duckdb

from flows.clock import utc_now
from flows.errors import WarehouseError

MIGRATIONS_DIR = Path(__file__).parent / "migrations"

# What a file without a version is: the first release had none.
FIRST_VERSION = 1


@cache
def migrations() -> dict[int, str]:
    """The SQL that leads to each version, oldest first."""
    return {int(path.name[:4]): path.read_text(encoding="utf-8") for path in sorted(MIGRATIONS_DIR.glob("*.sql"))}


def newest_version() -> int:
    """The version of a warehouse made today."""
    return max(migrations(), default=FIRST_VERSION)


@cache
def columns_added(table: str) -> dict[str, int]:
    """The columns that migrations added to a table, by name: the version that each leads to."""
    added = re.compile(rf"alter table {re.escape(table)} add column (?:if not exists )?(\w+)")
    return {name: number for number, sql in migrations().items() for name in added.findall(sql)}


def migrated_at(connection: duckdb.DuckDBPyConnection) -> dict[int, datetime]:
    """When this file was brought to each version; a version that it was made in is not among them."""
    rows = connection.execute("select version, max(applied_at) from ops.schema_version group by version").fetchall()
    oldest = min(version for version, _ in rows)
    # The file of the first release has no version of its own.
    return {version: moment for version, moment in rows if version > oldest or version == FIRST_VERSION + 1}


def migrate(connection: duckdb.DuckDBPyConnection) -> None:
    """Apply what the file lacks, each step in a transaction of its own, so that a crash leaves a whole version.

    Call it before anything creates tables. Raises WarehouseError for a file that a newer version wrote.
    """
    version = _version(connection)
    if version is None or version == newest_version():
        return
    if version > newest_version():
        raise WarehouseError(
            f"The warehouse has schema version {version}; this trackrecord knows {newest_version()}. Update "
            "trackrecord; there is no way back to an older one."
        )
    for number, sql in migrations().items():
        if number > version:
            connection.execute("begin")
            connection.execute("create table if not exists ops.schema_version (version integer, applied_at timestamp)")
            connection.execute(sql)
            _stamp(connection, number)
            connection.execute("commit")


def stamp_new(connection: duckdb.DuckDBPyConnection) -> None:
    """Give a file that was made just now the newest version."""
    if connection.execute("from ops.schema_version limit 1").fetchone() is None:
        _stamp(connection, newest_version())


def _stamp(connection: duckdb.DuckDBPyConnection, version: int) -> None:
    connection.execute("insert into ops.schema_version values ($version, $now)", {"version": version, "now": utc_now()})


def _version(connection: duckdb.DuckDBPyConnection) -> int | None:
    """The file's version; None where it is empty."""
    tables = {
        name
        for (name,) in connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'ops' and database_name = current_database()"
        ).fetchall()
    }
    if "run" not in tables:
        return None
    if "schema_version" not in tables:
        return FIRST_VERSION
    row = connection.execute("select max(version) from ops.schema_version").fetchone()
    return row[0] if row and row[0] is not None else FIRST_VERSION
