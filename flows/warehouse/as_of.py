"""The warehouse as it was known at a past moment, copied out of the one there is."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb

from flows.config import Settings
from flows.datasets import DATASETS
from flows.errors import UsageError, WarehouseError
from flows.quoting import literal
from flows.warehouse.connection import prepare, set_macros
from flows.warehouse.runs import HISTORIES, has_table

# Snapshots known at $moment. One that was taken later but lives before a publish of that moment or an earlier one (a
# replay of the past, or an acceptance that came late) was not in that publish, and is left out.
KNOWN = """
create temporary table known_snapshot as
select snapshot_id
from home.ops.snapshot as snapshot
where as_of <= $moment and not exists (
    from home.ops.publish as publish
    where publish.as_of <= $moment and publish.as_of > snapshot.as_of
        and publish.last_snapshot_id < snapshot.snapshot_id
)
"""

# What had been published by then: not what a later replay of the past has added.
KNOWN_HISTORY = """
create or replace table {history} as
select *
from home.{history} as history
where published_as_of <= $moment and not exists (
    from home.ops.publish as publish
    where publish.as_of <= $moment and publish.as_of > history.published_as_of
        and publish.published_at < (
            select min(first.published_at) from home.ops.publish as first where first.as_of = history.published_as_of
        )
)
"""

OF_SNAPSHOTS = ("snapshot", "quarantine", "vanished", "acceptance")


def copy_as_known(connection: duckdb.DuckDBPyConnection, settings: Settings, moment: datetime) -> None:
    """Fill an empty, prepared warehouse with what the home's warehouse knew at `moment` (UTC, no zone).

    The home's is opened read-only and let go of again. Hold the lock meanwhile. Raises UsageError where nothing was
    known yet, WarehouseError where it cannot be opened.
    """
    try:
        connection.execute(f"attach {literal(str(settings.warehouse))} as home (read_only)")
    except duckdb.Error as error:
        raise WarehouseError(
            f"{settings.warehouse} cannot be read: {str(error).splitlines()[0]} Close whatever else has it open."
        ) from error
    try:
        connection.execute(KNOWN, {"moment": moment})
        if connection.execute("from known_snapshot limit 1").fetchone() is None:
            raise UsageError(f"Nothing was known at {moment:%Y-%m-%dT%H:%M:%S}: no snapshot is that old.")
        for dataset in DATASETS.values():
            connection.execute(
                f"insert into raw.{dataset.name} by name "
                f"from home.raw.{dataset.name} semi join known_snapshot using (snapshot_id)"
            )
        for table in OF_SNAPSHOTS:
            connection.execute(
                f"insert into ops.{table} by name from home.ops.{table} semi join known_snapshot using (snapshot_id)"
            )
        connection.execute(
            "insert into ops.reread by name "
            "from home.ops.reread semi join known_snapshot using (snapshot_id) where as_of <= $moment",
            {"moment": moment},
        )
        if has_table(connection, "ops.grid", database="home"):
            # The grid is that of the whole home, at every moment.
            connection.execute("insert into ops.grid by name from home.ops.grid")
            set_macros(connection, settings.timeframes)
        for table in ("run", "publish"):
            connection.execute(
                f"insert into ops.{table} by name from home.ops.{table} where as_of <= $moment", {"moment": moment}
            )
        # What a later reparse has taken out of use was in use then.
        connection.execute(
            "update ops.snapshot set superseded_by = null where superseded_by > "
            "(select coalesce(max(last_snapshot_id), 0) from ops.publish)"
        )
        connection.execute(
            "insert into ops.validation by name from home.ops.validation semi join ops.run using (run_id)"
        )
        _copy_history(connection, moment)
        connection.execute("drop table known_snapshot")
    finally:
        connection.execute("detach home")


@contextmanager
def open_beside(settings: Settings, target: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty warehouse in a file of its own beside `target`, gone when the block ends.

    Raises UsageError where `target` is something else than a database, which is not overwritten, and WarehouseError
    where nothing can be written beside it.
    """
    _require_database(target)
    path = target.with_name(f".{target.name}.warehouse")
    wal = path.with_name(path.name + ".wal")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        wal.unlink(missing_ok=True)
        opened = duckdb.connect(str(path))
    except (OSError, duckdb.IOException) as error:
        raise WarehouseError(
            f"{target.parent} cannot be written: {error}. Make the folder writable, or name another one."
        ) from error
    try:
        with opened as connection:
            prepare(connection, settings)
            yield connection
    finally:
        path.unlink(missing_ok=True)
        wal.unlink(missing_ok=True)


def _require_database(target: Path) -> None:
    """Raise UsageError where `target` is there and is no database, such as an earlier rebuild."""
    if target.is_dir():
        raise UsageError(f"--out {target} is a folder. Name a file in it.")
    if not target.exists():
        return
    try:
        duckdb.connect(str(target), read_only=True).close()
    except duckdb.Error as error:
        raise UsageError(
            f"--out {target} is there and is no database; it is not overwritten. Name another one."
        ) from error


def _copy_history(connection: duckdb.DuckDBPyConnection, moment: datetime) -> None:
    for history in HISTORIES:
        if has_table(connection, history, database="home"):
            connection.execute(KNOWN_HISTORY.format(history=history), {"moment": moment})
