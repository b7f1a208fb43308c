"""Restoring the warehouse from `raw/` and `journal/`: the same snapshots, with the same numbers and clocks.

Nothing is judged again: the rows that the gate kept out are in the journal, so that a later rule rewrites no history.
Nothing is sent to anybody.
"""

import hashlib
import os
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from flows.config import Settings
from flows.datasets import DATASETS
from flows.errors import WarehouseError
from flows.home import journal
from flows.home.raw_store import CHUNK, Kept, checksum_in, checksum_of
from flows.home.set_aside import set_aside
from flows.quality.incoming import read_incoming
from flows.quality.results import RuleResult
from flows.sources import open_reader
from flows.warehouse import runs
from flows.warehouse.acceptance import insert_acceptance
from flows.warehouse.adoption import adopt_journal
from flows.warehouse.build import build
from flows.warehouse.connection import is_damage, prepare
from flows.warehouse.days import write_days
from flows.warehouse.grid import adopt_grids
from flows.warehouse.publish import adopt_publishes, insert_publish
from flows.warehouse.rereads import record_repeat
from flows.warehouse.snapshots import SnapshotHeader, append, record_superseded
from flows.warehouse.symbols import adopt_symbols

# The folder of files that replace the home's own; it gets this name once they are complete and verified.
REPLACING = ".replacing"

MOMENTS = ("as_of", "fetched_at", "started_at", "finished_at", "published_at", "accepted_at")


def has_history(home: Path) -> bool:
    """Whether the journal knows of any snapshot."""
    return (home / "journal" / "snapshots.jsonl").exists()


def recover(settings: Settings) -> Path | None:
    """Make the warehouse good where it is lost or cannot be read; return where the unreadable one was set aside.

    Hold the lock. Raises WarehouseError where what is needed is not in `raw/` and `journal/`.
    """
    finish_replacing(settings.home)
    if not settings.warehouse.exists():
        if has_history(settings.home):
            restore_from_raw(settings, is_built=False)
        return None
    try:
        duckdb.connect(str(settings.warehouse)).close()
    except duckdb.Error as error:
        if not is_damage(error):
            return None
        return restore_from_raw(settings, is_built=False)
    return None


def restore_from_raw(settings: Settings, *, is_built: bool = True) -> Path | None:
    """Make the warehouse anew; return where the one there was, if any, was set aside.

    With `is_built`, `core` and `marts` are built as well, as of the newest publish. Hold the lock. The old warehouse
    stays where it is until the new one is whole. Raises WarehouseError where a kept file is missing or is not what it
    was, or the journal knows of no snapshot.
    """
    if not has_history(settings.home):
        raise WarehouseError(
            f"{settings.home / 'journal'} knows of no snapshot, so there is nothing to restore from. "
            "Restore a backup, or run the nightly to begin anew."
        )
    partial = settings.warehouse.with_name(".restoring.duckdb")
    for path in (partial, _wal(partial)):
        path.unlink(missing_ok=True)
    with duckdb.connect(str(partial)) as connection:
        prepare(connection, settings)
        runs.adopt(connection, settings.home)
        adopt_symbols(connection, settings.home)
        adopt_grids(connection, settings.home, settings.timeframes)
        events = journal.read(settings.home, "snapshots")
        superseded = journal.read(settings.home, "superseded")
        for event in last_of_each(events):
            # A snapshot must not be compared with one that was superseded when it was taken.
            _restore_superseded(connection, superseded, before=event["snapshot_id"])
            _restore_snapshot(connection, settings.home, event)
        _restore_superseded(connection, superseded)
        for event in events:
            _restore_results(connection, event)
        for event in journal.read(settings.home, "rereads"):
            repeat = _with_moments(event)
            record_repeat(
                connection, **{name: repeat[name] for name in ("snapshot_id", "run_id", "as_of", "fetched_at")}
            )
        for event in journal.read(settings.home, "acceptances"):
            insert_acceptance(connection, event | {"accepted_at": datetime.fromisoformat(event["written_at"])})
        for event in journal.read(settings.home, "validations"):
            results = tuple(RuleResult(**result) for result in event["results"])
            runs.record_results(connection, event["run_id"], results, gate="marts")
        _restore_publishes(connection, settings)
        adopt_journal(connection, settings.home)
        if is_built:
            moment = _newest_moment(connection)
            build(connection, settings, as_of=moment, run_id="restore")
            write_days(connection, settings, moment)
        runs.restore_history(connection, settings.home)
    old_folder = set_aside(settings.home, [settings.warehouse, _wal(settings.warehouse)])
    journal.append(
        settings.home,
        "restores",
        how="from raw",
        set_aside=str(old_folder) if old_folder else None,
        # Without its outbox the journal may be an older copy, and what was sent after it is unknown.
        is_sent_known=(settings.home / "outbox.sqlite").exists(),
    )
    os.replace(partial, settings.warehouse)
    return old_folder


def roll_forward(connection: duckdb.DuckDBPyConnection, home: Path) -> int:
    """Take the snapshots of the journal that the warehouse lacks; return how many.

    The journal is written before the commit, so that it is ahead of the warehouse after a run that died in between, or
    after damage to the end of the write-ahead log. Hold the lock.
    """
    adopt_symbols(connection, home)
    present = dict(connection.execute("select snapshot_id, run_id from ops.snapshot").fetchall())
    lost = [
        event
        for event in last_of_each(journal.read(home, "snapshots"))
        if present.get(event["snapshot_id"]) != event["run_id"]
    ]
    for event in lost:
        _restore_snapshot(connection, home, event)
        _restore_results(connection, event)
    _restore_superseded(connection, journal.read(home, "superseded"))
    return len(lost)


def finish_replacing(home: Path) -> Path | None:
    """Replace the home's own files, which are set aside; return where. The next run completes one that crashed."""
    fresh = home / REPLACING
    if not fresh.exists():
        return None
    incoming = list(fresh.iterdir())
    old = [home / path.name for path in incoming]
    if any(path.name == "warehouse.duckdb" for path in incoming):
        old.append(home / "warehouse.duckdb.wal")
    old_folder = set_aside(home, old)
    for path in incoming:
        os.replace(path, home / path.name)
    fresh.rmdir()
    return old_folder


def _restore_superseded(
    connection: duckdb.DuckDBPyConnection, events: list[dict[str, Any]], *, before: int | None = None
) -> None:
    """Mark what reparses had superseded, by the time of snapshot `before`, or by now."""
    for event in events:
        if before is None or event["superseded_by"] <= before:
            record_superseded(connection, **{name: event[name] for name in ("snapshot_id", "run_id", "superseded_by")})


def last_of_each(events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The last event of each snapshot, in order: one that was stopped, or whose commit failed, has several."""
    last = {event["snapshot_id"]: place for place, event in enumerate(events)}
    return (event for place, event in enumerate(events) if last[event["snapshot_id"]] == place)


def _restore_snapshot(connection: duckdb.DuckDBPyConnection, home: Path, event: dict[str, Any]) -> None:
    fields = _with_moments(event)
    kept = kept_of(home, event)
    header = SnapshotHeader(**{name: fields[name] for name in SnapshotHeader.__dataclass_fields__ if name in fields})
    incoming = read_incoming(
        connection,
        open_reader(header.source, header.vendor),
        DATASETS[kept.dataset],
        kept,
        as_of=header.as_of,
        is_replay=header.is_replay,
    )
    connection.execute(
        "create or replace temporary table bad_row "
        "(row_number bigint, rule varchar, reason varchar, is_quarantined boolean)"
    )
    for bad in event["bad_rows"]:
        connection.execute(
            "insert into bad_row select unnest($rows::bigint[]), $rule, $reason, true",
            {"rows": bad["row_numbers"], "rule": bad["rule"], "reason": bad["reason"]},
        )
    connection.execute("begin")
    append(connection, header, incoming, kept, event["state"])
    connection.execute("commit")


def _restore_results(connection: duckdb.DuckDBPyConnection, event: dict[str, Any]) -> None:
    results = tuple(RuleResult(**result) for result in event["results"])
    runs.record_results(connection, event["run_id"], results, gate="snapshot", snapshot_id=event["snapshot_id"])


def kept_of(home: Path, event: dict[str, Any]) -> Kept:
    """The stored files of a snapshot, checked against their names, which are their checksums."""
    paths = tuple(home / file for file in event["files"])
    for path in paths:
        if not path.exists() or checksum_of_file(path) != checksum_in(path):
            what = "is not what was kept" if path.exists() else "is missing"
            raise WarehouseError(
                f"{path} {what}, so snapshot {event['snapshot_id']} ({event['dataset']}) cannot be restored. "
                "Put it back from a backup, or restore the whole backup; nothing was changed."
            )
    if checksum_of(paths, event["names"]) != event["sha256"]:
        raise WarehouseError(f"The journal's line of snapshot {event['snapshot_id']} names other files than it had.")
    return Kept(
        dataset=event["dataset"],
        paths=paths,
        sha256=event["sha256"],
        n_bytes=sum(path.stat().st_size for path in paths),
        names=tuple(event["names"]),
        since=date.fromisoformat(event["since"]) if event["since"] else None,
        token_ids=frozenset(event["token_ids"]) if event["token_ids"] is not None else None,
        declaration=event.get("declaration"),
    )


def checksum_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    checksum = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            checksum.update(chunk)
    return checksum.hexdigest()


def _restore_publishes(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Restore the record of publishes from the journal and, if it can be opened, from the published file."""
    seen = set()
    for event in journal.read(settings.home, "publishes"):
        if event["run_id"] not in seen:
            seen.add(event["run_id"])
            insert_publish(connection, _with_moments(event))
    try:
        adopt_publishes(connection, settings)
    except WarehouseError:
        set_aside(settings.home, [settings.published])


def _newest_moment(connection: duckdb.DuckDBPyConnection) -> datetime:
    """The as-of moment of the last publish; where there is none, of the newest snapshot."""
    row = connection.execute(
        "select coalesce((select arg_max(as_of, published_at) from ops.publish), (select max(as_of) from ops.snapshot))"
    ).fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment


def _with_moments(event: dict[str, Any]) -> dict[str, Any]:
    return event | {name: datetime.fromisoformat(event[name]) for name in MOMENTS if event.get(name)}


def _wal(path: Path) -> Path:
    return path.with_name(path.name + ".wal")
