"""A copy of all that a home cannot do without, with a manifest of checksums; and a home from such a copy."""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from flows.config import Settings
from flows.errors import UsageError, WarehouseError
from flows.warehouse import journal
from flows.warehouse.clock import utc_now
from flows.warehouse.connection import open_warehouse
from flows.warehouse.restore import REPLACING, checksum_of_file, finish_replacing

MANIFEST = "manifest.json"

# What a backup holds, where the home has it. The rest of a home is made anew by the next run.
PARTS = ("warehouse.duckdb", "warehouse.duckdb.wal", "raw", "journal", "published", "outbox.sqlite", "reports")

# What tells which messages have gone out. A restored home keeps its newest, so that nothing is sent twice.
SENT = ("outbox.sqlite", "journal/deliveries.jsonl")


def back_up(settings: Settings, folder: Path) -> int:
    """Copy the home into `folder`, which must be empty or absent; return how many files.

    Hold the lock. The folder has its name only once all is copied. Raises UsageError where it holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty. Name a folder that is not there yet; a backup overwrites nothing.")
    if folder.resolve().is_relative_to(settings.home.resolve()):
        raise UsageError(f"{folder} lies in the home. Put a backup elsewhere, best on another disk.")
    if settings.warehouse.exists():
        with open_warehouse(settings) as connection:
            connection.execute("checkpoint")
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    files = [path for part in PARTS for path in _files(settings.home / part)]
    told = []
    for path in files:
        name = path.relative_to(settings.home)
        target = partial / name
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(path, target)
        told.append({"file": str(name), "n_bytes": target.stat().st_size, "sha256": checksum_of_file(target)})
    manifest = {"made_at": utc_now().isoformat(), "version": version("trackrecord"), "files": told}
    (partial / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    if folder.exists():
        folder.rmdir()
    os.replace(partial, folder)
    return len(told)


def restore_backup(settings: Settings, folder: Path) -> Path | None:
    """Make the home what `folder` holds; return where what there was has been set aside.

    Hold the lock. Everything is verified before anything is replaced, and a crash after that is made good by the next
    run. What the home has and the backup has not stays, but for the warehouse's write-ahead log. Raises
    UsageError where `folder` is no backup, WarehouseError where a file of it is missing or damaged.
    """
    files = verify_backup(folder)
    fresh = settings.home / ".restoring"
    shutil.rmtree(fresh, ignore_errors=True)
    for name in files:
        (fresh / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, fresh / name)
    for name in SENT:
        if (settings.home / name).exists():
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(settings.home / name, fresh / name)
    os.replace(fresh, settings.home / REPLACING)
    aside = finish_replacing(settings.home)
    journal.append(settings.home, "restores", how="from a backup", folder=str(folder), set_aside=str(aside or ""))
    return aside


def verify_backup(folder: Path) -> list[str]:
    """The files of a backup, every one held against its checksum."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise UsageError(f"{folder} is no backup: its {MANIFEST} cannot be read ({error}).") from error
    names = []
    for told in manifest["files"]:
        path = folder / told["file"]
        if not path.is_file() or checksum_of_file(path) != told["sha256"]:
            what = "does not match its checksum" if path.is_file() else "is missing"
            raise WarehouseError(f"{path} {what}. Use another backup; nothing was changed.")
        names.append(told["file"])
    return names


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    inside = sorted(path.rglob("*")) if path.is_dir() else []
    return [one for one in inside if one.is_file() and ".partial" not in one.name]


def _copy(path: Path, target: Path) -> None:
    if path.suffix == ".sqlite":
        # Another process may be writing to it; SQLite's own copy is whole all the same.
        with closing(sqlite3.connect(path)) as held, closing(sqlite3.connect(target)) as copy:
            held.backup(copy)
        return
    shutil.copyfile(path, target)
