"""Backups: copies of everything in a home that cannot be made again, with checksums; and restoring from one."""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from flows.clock import utc_now
from flows.config import Settings
from flows.errors import UsageError, WarehouseError
from flows.home import journal
from flows.warehouse.connection import open_warehouse
from flows.warehouse.restore import REPLACING, checksum_of_file, finish_replacing

MANIFEST = "manifest.json"

# The parts of a backup; the next run makes the rest of a home anew. The journal is copied before `raw`, because a
# fetch, which needs no lock, may go on meanwhile, and the copied journal must not list bytes that the copy lacks.
PARTS = ("warehouse.duckdb", "warehouse.duckdb.wal", "journal", "raw", "published", "outbox.sqlite", "reports")
OURS = {(part,) for part in PARTS}

# The record of sent messages: a restored home keeps its own outbox, and the lines of its own journal beside the
# backup's, so that nothing is sent twice.
OUTBOX = "outbox.sqlite"
SENT = ("journal/deliveries.jsonl", "journal/restores.jsonl")


def back_up(settings: Settings, folder: Path) -> int:
    """Copy the home into `folder`, which must be empty or absent; return how many files.

    Hold the lock. The folder has its name only once all is copied. Raises UsageError where it holds something, lies in
    the home or is a whole disk, or the home holds nothing; WarehouseError where it cannot be written.
    """
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty. Name a folder that is not there yet; a backup overwrites nothing.")
    if folder.resolve().is_relative_to(settings.home.resolve()):
        raise UsageError(f"{folder} lies in the home. Put a backup elsewhere, best on another disk.")
    if folder.is_mount():
        raise UsageError(f"{folder} is a whole disk. Name a folder on it that is not there yet.")
    if not (settings.warehouse.exists() or (settings.home / "journal").exists()):
        raise UsageError(f"{settings.home} holds nothing yet, so there is nothing to back up. Check TRACKRECORD_HOME.")
    try:
        return _copy_home(settings, folder)
    except OSError as error:
        raise WarehouseError(
            f"{folder} cannot be written: {error.strerror} ({error.filename}). Make room and the folder writable, or "
            "name another one; the home is as it was."
        ) from error


def _copy_home(settings: Settings, folder: Path) -> int:
    if settings.warehouse.exists():
        with open_warehouse(settings) as connection:
            connection.execute("checkpoint")
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    entries = []
    for path in (path for part in PARTS for path in _files(settings.home / part)):
        name = path.relative_to(settings.home)
        target = partial / name
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(path, target)
        entries.append({"file": str(name), "n_bytes": target.stat().st_size, "sha256": checksum_of_file(target)})
    manifest = {"made_at": utc_now().isoformat(), "version": version("trackrecord"), "files": entries}
    (partial / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    if folder.exists():
        folder.rmdir()
    os.replace(partial, folder)
    return len(entries)


def restore_backup(settings: Settings, folder: Path) -> Path | None:
    """Make the home what `folder` holds; return where what there was has been set aside.

    Hold the lock and the outbox's. Everything is verified before anything is replaced, and a crash after that is made
    good by the next run. What the home has and the backup has not stays, but for the warehouse's write-ahead log. Where
    the home has no record of what it has sent, the journal notes that, and open deliveries wait for an operator. Raises
    UsageError where `folder` is no backup, WarehouseError where a file of it is missing or damaged.
    """
    files = verify_backup(folder)
    fresh = settings.home / ".restoring"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        for name in files:
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, fresh / name)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise WarehouseError(
            f"{folder} cannot be copied to {settings.home}: {error.strerror} ({error.filename}). Make room and the "
            "home writable, then restore again; nothing was replaced."
        ) from error
    is_sent_known = any((settings.home / name).exists() for name in (OUTBOX, SENT[0]))
    if (settings.home / OUTBOX).exists():
        shutil.copyfile(settings.home / OUTBOX, fresh / OUTBOX)
    for name in SENT:
        _add_lines(settings.home / name, fresh / name)
    # Before the swap: a restore that dies half way must not be forgotten.
    journal.append(fresh, "restores", how="from a backup", folder=str(folder), is_sent_known=is_sent_known)
    os.replace(fresh, settings.home / REPLACING)
    return finish_replacing(settings.home)


def verify_backup(folder: Path) -> list[str]:
    """The files of a backup, every one checked against its checksum.

    Raises UsageError where the manifest is none of ours, or names what lies outside of the backup or of a home;
    WarehouseError where a file is missing or damaged.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        checksums = {str(one["file"]): str(one["sha256"]) for one in manifest["files"]}
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise UsageError(f"{folder} is no backup: its {MANIFEST} cannot be read ({error}).") from error
    stray = [name for name in checksums if Path(name).parts[:1] not in OURS or ".." in Path(name).parts]
    if stray or not checksums:
        what = f"names {stray[0]}, which is no part of a home" if stray else "names no file"
        raise UsageError(f"{folder} is no backup of ours: its {MANIFEST} {what}. Nothing was changed.")
    for name, sha256 in checksums.items():
        path = folder / name
        if not path.is_file() or checksum_of_file(path) != sha256:
            what = "does not match its checksum" if path.is_file() else "is missing"
            raise WarehouseError(f"{path} {what}. Use another backup; nothing was changed.")
    return list(checksums)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    inside = sorted(path.rglob("*")) if path.is_dir() else []
    return [one for one in inside if one.is_file() and ".partial" not in one.name]


def _add_lines(source: Path, target: Path) -> None:
    """Append to a journal those lines of another that it lacks."""
    if not source.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    present = target.read_text(encoding="utf-8").splitlines() if target.exists() else []
    new = [line for line in source.read_text(encoding="utf-8").splitlines() if line not in set(present)]
    target.write_text("".join(f"{line}\n" for line in [*present, *new]), encoding="utf-8")


def _copy(path: Path, target: Path) -> None:
    if path.suffix == ".sqlite":
        # SQLite's own copy is whole even while another process writes.
        with closing(sqlite3.connect(path)) as original, closing(sqlite3.connect(target)) as copy:
            original.backup(copy)
        return
    shutil.copyfile(path, target)
