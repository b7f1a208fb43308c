"""Publishing: the public schemas copied into a new file, verified, and swapped in under the readers' feet."""

import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from flows.clock import utc_now
from flows.config import Settings
from flows.errors import WarehouseError
from flows.home import journal
from flows.home.set_aside import set_aside
from flows.quoting import literal
from flows.run import Run
from flows.warehouse.connection import is_damage, is_damaged_inside
from flows.warehouse.glossary import write_comments
from flows.warehouse.known_then import create_known_then

SCHEMA_VERSION = 1

# Columns that readers were built on under a bad name. The published file has each under a good name as well.
BETTER_NAMES = {"ops.delivery": ("told", "message"), "ops.snapshot": ("extent", "request_kind")}

PUBLIC_SCHEMAS = ("core", "marts", "ops")


@dataclass(frozen=True)
class Stamp:
    """The stamp of a published file: its run, as-of moment (UTC) and source, and how it was scored."""

    run_id: str
    as_of: datetime
    source: str
    is_simulated: bool
    cost_bps: float
    horizons: dict[str, tuple[int, ...]]


def stamp_of(run: Run) -> Stamp:
    """The stamp of what a run publishes."""
    return Stamp(
        run_id=run.run_id,
        as_of=run.as_of,
        source=run.source.name,
        is_simulated=run.source.is_simulated,
        cost_bps=run.settings.cost_bps,
        horizons=run.settings.horizons,
    )


def publish(connection: duckdb.DuckDBPyConnection, stamp: Stamp, target: Path) -> dict[str, int]:
    """Replace the file `target` with what was built; return rows by table.

    A reader that has the old file open keeps it, whole; a new one gets the new file. Raises WarehouseError where the
    folder cannot be written or the new file lacks what was built; the published file is then unchanged.
    """
    partial = target.with_name(f".{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove(partial)
        counts = _copy_tables(connection, partial)
        _finish_file(connection, partial, stamp, counts)
        _verify(partial, counts)
        os.replace(partial, target)
        _flush_folder(target.parent)
    except (OSError, duckdb.IOException) as error:
        _remove(partial)
        if is_damaged_inside(error):
            raise
        raise WarehouseError(
            f"{target.parent} cannot be published to: {_message(error)}. "
            "Make the folder writable, or make room on its disk, then run again; the published file is unchanged."
        ) from error
    return counts


def _message(error: BaseException) -> str:
    """An error and those it came out of: detaching a file fails too when the disk is full, and hides why."""
    message = " ".join(str(error).split())
    return f"{_message(error.__context__)}. Then: {message}" if error.__context__ else message


def adopt_publishes(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Copy the published file's own record of its publishes into the warehouse and the journal.

    The next run thereby completes one that died between the swap and this line. A damaged file is set aside, and the
    next publish writes it anew. Raises WarehouseError where it cannot be opened for another reason.
    """
    published = settings.published
    if not published.exists():
        return
    try:
        connection.execute(f"attach {literal(str(published))} as published (read_only)")
    except duckdb.Error as error:
        if is_damage(error):
            set_aside(settings.home, [published])
            return
        raise WarehouseError(
            f"{published} cannot be opened: {str(error).splitlines()[0]} Set it aside and run again; the next publish "
            "writes it anew from the warehouse."
        ) from error
    try:
        cursor = connection.execute(
            "select * from published.ops.publish where run_id not in (select run_id from ops.publish) "
            "order by published_at"
        )
        names = [name for (name, *_) in cursor.description or ()]
        for row in cursor.fetchall():
            values = dict(zip(names, row, strict=True))
            journal.append(settings.home, "publishes", **values)
            insert_publish(connection, values)
        connection.execute(
            "update ops.run set state = 'published', finished_at = publish.published_at from ops.publish as publish "
            "where run.run_id = publish.run_id and run.state = 'running'"
        )
    finally:
        connection.execute("detach published")


def insert_publish(connection: duckdb.DuckDBPyConnection, values: dict[str, Any], table: str = "ops.publish") -> None:
    """Append one publish; a column without a value is NULL."""
    names = [name for (name, *_) in connection.execute(f"describe {table}").fetchall() if name in values]
    connection.execute(
        f"insert into {table} ({', '.join(names)}) values ({', '.join(f'${name}' for name in names)})",
        {name: values[name] for name in names},
    )


def _copy_tables(connection: duckdb.DuckDBPyConnection, partial: Path) -> dict[str, int]:
    # The oldest format that holds all our types: DuckDB 1.2 to the newest, and the one in browsers, open it.
    connection.execute(f"attach {literal(str(partial))} as published (storage_version 'v1.2.0')")
    try:
        counts = {}
        for schema in PUBLIC_SCHEMAS:
            connection.execute(f"create schema published.{schema}")
            tables = connection.execute(
                "select table_name from duckdb_tables() where schema_name = $schema "
                "and database_name = current_database()",
                {"schema": schema},
            ).fetchall()
            written_out = [
                name for view_schema, name, sql in _views(connection) if view_schema == schema and reads_work(sql)
            ]
            for table in sorted([*(table for (table,) in tables), *written_out]):
                name = f"{schema}.{table}"
                bad, good = BETTER_NAMES.get(name, ("", ""))
                columns = f"*, {bad} as {good}" if good else "*"
                row = connection.execute(f"create table published.{name} as select {columns} from {name}").fetchone()
                assert row is not None
                counts[name] = int(row[0])
        counts["ops.publish"] += 1  # The row of this publish, written last.
        return counts
    finally:
        connection.execute("detach published")


def _views(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """Schema, name and SQL of every public view."""
    return connection.execute(
        "select schema_name, view_name, sql from duckdb_views() where schema_name in ('core', 'marts') "
        "and database_name = current_database() order by view_name"
    ).fetchall()


def reads_work(sql: str) -> bool:
    """Whether a view reads what is not published, so that readers get its rows as a table instead."""
    return re.search(r'\bwork"?\.', sql) is not None


def _finish_file(connection: duckdb.DuckDBPyConnection, partial: Path, stamp: Stamp, counts: dict[str, int]) -> None:
    """Add the views, the macros, this publish itself, and the comments."""
    now = utc_now()
    views = [(schema, sql) for schema, _, sql in _views(connection) if not reads_work(sql)]
    with duckdb.connect(str(partial)) as file:
        file.execute("set TimeZone = 'UTC'")
        # Hundreds of comments, each flushed to the disk by itself, took longer than a small build.
        file.execute("begin")
        for schema, sql in views:
            # Table names in a view have no schema, so that the view also works where the file is attached under a name.
            file.execute(f"set search_path = '{schema}'")
            file.execute(sql)
        file.execute("set search_path = ''")
        create_known_then(file)
        file.execute(
            "update ops.run set state = 'published', finished_at = $now where run_id = $run_id",
            {"now": now, "run_id": stamp.run_id},
        )
        row = file.execute(
            "select (select max(snapshot_id) from ops.snapshot), "
            "(select count(*) from ops.day where state = 'unrecoverable')"
        ).fetchone()
        assert row is not None
        insert_publish(
            file,
            {
                "run_id": stamp.run_id,
                "as_of": stamp.as_of,
                "published_at": now,
                "schema_version": SCHEMA_VERSION,
                "source": stamp.source,
                "is_simulated": stamp.is_simulated,
                "cost_bps": stamp.cost_bps,
                "horizons": json.dumps(stamp.horizons),
                "row_counts": json.dumps(counts),
                "last_snapshot_id": row[0],
                "n_days_unrecoverable": row[1],
            },
        )
        write_comments(file)
        file.execute("commit")


def _verify(partial: Path, counts: dict[str, int]) -> None:
    """Open the new file as a reader would and compare it with what was copied."""
    with duckdb.connect(str(partial), read_only=True) as file:
        for table, expected in counts.items():
            found = file.execute(f"select count(*) from {table}").fetchone()
            if found != (expected,):
                raise WarehouseError(f"{partial} holds {found} rows of {table}, not {expected}; it is not published.")
        file.execute("from core.forward_window limit 1").fetchall()


def _flush_folder(folder: Path) -> None:
    """Make the swap itself durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(partial: Path) -> None:
    for path in (partial, partial.with_name(partial.name + ".wal")):
        # A folder that is a file, or not ours, is the caller's error to report.
        with suppress(OSError):
            path.unlink(missing_ok=True)
