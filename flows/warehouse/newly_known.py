"""Columns that this version knows and an older one passed over: their values of stored rows, from the stored bytes.

Without them a delivery would look as though its vendor had changed every row of the past.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from flows.datasets import DATASETS
from flows.home import journal
from flows.home.raw_store import Kept
from flows.quality.incoming import read_incoming
from flows.run import Run
from flows.sources import open_reader
from flows.warehouse.connection import roll_back
from flows.warehouse.migrate import columns_added, migrated_at
from flows.warehouse.restore import kept_of, last_of_each


def fill_newly_known(connection: duckdb.DuckDBPyConnection, run: Run, kept: Kept) -> None:
    """Fill columns that a migration added in the rows of a feed's older snapshots, before their first delivery since.

    Snapshots whose bytes are not stored are left as they are. The next build is a full one where any row was filled.
    """
    added = _added_since(connection, kept)
    older = _unfilled(connection, run, kept, max(added.values())) if added else []
    # Only then, because finding the columns of a delivery reads its files.
    columns = added.keys() & _delivered(connection, run, kept) if older else set()
    if not columns:
        return
    runs = dict(older)
    connection.execute("begin")
    try:
        events = [
            event
            for event in last_of_each(journal.read(run.settings.home, "snapshots"))
            if runs.get(event["snapshot_id"]) == event["run_id"]
        ]
        n_filled = sum(_fill(connection, run.settings.home, event, sorted(columns)) for event in events)
        if n_filled:
            connection.execute("delete from ops.build")
        connection.execute("commit")
    except BaseException:
        roll_back(connection)
        raise


def _added_since(connection: duckdb.DuckDBPyConnection, kept: Kept) -> dict[str, datetime]:
    """The columns that a migration of this file added to a dataset, and when it did."""
    moments = migrated_at(connection)
    return {
        name: moments[version] for name, version in columns_added(f"raw.{kept.dataset}").items() if version in moments
    }


def _unfilled(connection: duckdb.DuckDBPyConnection, run: Run, kept: Kept, since: datetime) -> list[tuple[int, str]]:
    """The snapshots of a feed and their runs, where none of them is of a run that ended since.

    Such a one was read with the columns, and those before it have been filled.
    """
    return connection.execute(
        """
        select snapshot_id, snapshot.run_id
        from ops.snapshot as snapshot
        left join ops.run as run using (run_id)
        where dataset = $dataset and snapshot.source = $source and snapshot.vendor = $vendor and superseded_by is null
        qualify not bool_or(coalesce(run.finished_at, 'infinity') >= $since) over ()
        """,
        {"dataset": kept.dataset, "source": run.source.name, "vendor": run.source.vendor, "since": since},
    ).fetchall()


def _delivered(connection: duckdb.DuckDBPyConnection, run: Run, kept: Kept) -> set[str]:
    """The columns of a delivery, in lower case."""
    parts = run.source.parse(connection, DATASETS[kept.dataset], kept)
    return {name.lower() for part in parts for name in part.rows.columns}


def _fill(connection: duckdb.DuckDBPyConnection, home: Path, event: dict[str, Any], columns: list[str]) -> int:
    """Fill columns in the rows of one snapshot from its stored bytes; return of how many rows."""
    dataset = DATASETS[event["dataset"]]
    if not all((home / file).exists() for file in event["files"]):
        return 0
    kept = kept_of(home, event)
    read_incoming(
        connection,
        open_reader(event["source"], event["vendor"]),
        dataset,
        kept,
        as_of=datetime.fromisoformat(event["as_of"]),
        is_replay=event["is_replay"],
    )
    values = ", ".join(f"{name} = incoming.{name}" for name in columns)
    key = " and ".join(f"stored.{name} is not distinct from incoming.{name}" for name in dataset.key)
    given = " or ".join(f"incoming.{name} is not null" for name in columns)
    filled = connection.execute(
        f"update raw.{dataset.name} as stored set {values} from incoming "
        f"where stored.snapshot_id = $snapshot_id and stored.row_number = incoming.row_number and {key} and ({given})",
        {"snapshot_id": event["snapshot_id"]},
    ).fetchone()
    assert filled is not None
    return int(filled[0])
