"""The warehouse made anew from `raw/` and `journal/`: the same snapshots, under the same numbers and clocks.

Nothing is judged again: the journal says which rows the gate kept out, so that a later rule does not rewrite history.
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
from flows.home.raw_store import CHUNK, Kept, checksum_of
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
from flows.warehouse.publish import adopt_publishes, insert_publish
from flows.warehouse.rereads import record_repeat
from flows.warehouse.snapshots import Fetch, append, record_superseded

# What takes the place of the home's own; whole and verified once it has this name.
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
        events = journal.read(settings.home, "snapshots")
        superseded = journal.read(settings.home, "superseded")
        for event in _last_of_each(events):
            # What was out of use when this one was taken must not be what it is compared with.
            _restore_superseded(connection, superseded, before=event["snapshot_id"])
            _restore_snapshot(connection, settings.home, event)
        _restore_superseded(connection, superseded)
        for event in events:
            _restore_results(connection, event)
        for event in journal.read(settings.home, "rereads"):
            told = _with_moments(event)
            record_repeat(connection, **{name: told[name] for name in ("snapshot_id", "run_id", "as_of", "fetched_at")})
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
    aside = set_aside(settings.home, [settings.warehouse, _wal(settings.warehouse)])
    journal.append(
        settings.home,
        "restores",
        how="from raw",
        set_aside=str(aside) if aside else None,
        # Without its outbox the journal may be an older copy: nobody can say what was sent after it.
        is_sent_known=(settings.home / "outbox.sqlite").exists(),
    )
    os.replace(partial, settings.warehouse)
    return aside


def roll_forward(connection: duckdb.DuckDBPyConnection, home: Path) -> int:
    """Take the snapshots that the journal tells of and the warehouse has lost; return how many.

    The journal is written before the commit: a run that died in between, or a write-ahead log whose end was torn
    off, leaves it ahead. Hold the lock.
    """
    held = dict(connection.execute("select snapshot_id, run_id from ops.snapshot").fetchall())
    lost = [
        event
        for event in _last_of_each(journal.read(home, "snapshots"))
        if held.get(event["snapshot_id"]) != event["run_id"]
    ]
    for event in lost:
        _restore_snapshot(connection, home, event)
        _restore_results(connection, event)
    _restore_superseded(connection, journal.read(home, "superseded"))
    return len(lost)


def finish_replacing(home: Path) -> Path | None:
    """Move in what takes the place of the home's own, which is set aside; return where. Made good after a crash."""
    fresh = home / REPLACING
    if not fresh.exists():
        return None
    incoming = list(fresh.iterdir())
    old = [home / path.name for path in incoming]
    if any(path.name == "warehouse.duckdb" for path in incoming):
        old.append(home / "warehouse.duckdb.wal")
    aside = set_aside(home, old)
    for path in incoming:
        os.replace(path, home / path.name)
    fresh.rmdir()
    return aside


def _restore_superseded(
    connection: duckdb.DuckDBPyConnection, events: list[dict[str, Any]], *, before: int | None = None
) -> None:
    """Take out of use what a reparse had taken out of use, by the time of snapshot `before`, or by now."""
    for event in events:
        if before is None or event["superseded_by"] <= before:
            record_superseded(connection, **{name: event[name] for name in ("snapshot_id", "run_id", "superseded_by")})


def _last_of_each(events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each snapshot as it was taken last, in that order: one that was stopped, or whose commit failed, came again."""
    last = {event["snapshot_id"]: place for place, event in enumerate(events)}
    return (event for place, event in enumerate(events) if last[event["snapshot_id"]] == place)


def _restore_snapshot(connection: duckdb.DuckDBPyConnection, home: Path, event: dict[str, Any]) -> None:
    told = _with_moments(event)
    kept = _kept(home, event)
    fetch = Fetch(**{name: told[name] for name in Fetch.__dataclass_fields__ if name in told})
    incoming = read_incoming(
        connection,
        open_reader(fetch.source, fetch.vendor),
        DATASETS[kept.dataset],
        kept,
        as_of=fetch.as_of,
        is_replay=fetch.is_replay,
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
    append(connection, fetch, incoming, kept, event["state"])
    connection.execute("commit")


def _restore_results(connection: duckdb.DuckDBPyConnection, event: dict[str, Any]) -> None:
    results = tuple(RuleResult(**result) for result in event["results"])
    runs.record_results(connection, event["run_id"], results, gate="snapshot", snapshot_id=event["snapshot_id"])


def _kept(home: Path, event: dict[str, Any]) -> Kept:
    """The bytes of a snapshot, checked: a file's name is its checksum."""
    paths = tuple(home / file for file in event["files"])
    for path in paths:
        if not path.exists() or checksum_of_file(path) != path.stem:
            what = "is not what was kept" if path.exists() else "is missing"
            raise WarehouseError(
                f"{path} {what}, so snapshot {event['snapshot_id']} ({event['dataset']}) cannot be restored. "
                "Put it back from a backup, or restore the whole backup; nothing was changed."
            )
    if checksum_of(paths) != event["sha256"]:
        raise WarehouseError(f"The journal's line of snapshot {event['snapshot_id']} names other files than it had.")
    return Kept(
        dataset=event["dataset"],
        paths=paths,
        sha256=event["sha256"],
        n_bytes=sum(path.stat().st_size for path in paths),
        names=tuple(event["names"]),
        since=date.fromisoformat(event["since"]) if event["since"] else None,
        token_ids=frozenset(event["token_ids"]) if event["token_ids"] is not None else None,
    )


def checksum_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    checksum = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            checksum.update(chunk)
    return checksum.hexdigest()


def _restore_publishes(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """What was published, by the journal and by the published file itself, where it can be opened."""
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
