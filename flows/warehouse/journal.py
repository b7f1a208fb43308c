"""The journal: append-only JSON lines beside the warehouse, from which, with raw/, everything can be rebuilt."""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from flows.warehouse.clock import utc_now


def append(home: Path, kind: str, *, is_durable: bool = True, **event: Any) -> None:
    """Append one event to `journal/<kind>.jsonl`: safe from now on if this process dies, and durable on the disk.

    Where there are very many of little weight, `is_durable=False` leaves the disk to the system: a power cut may take
    the last ones.
    """
    append_all(home, kind, [event], is_durable=is_durable)


def append_all(home: Path, kind: str, events: Iterable[Mapping[str, Any]], *, is_durable: bool = True) -> None:
    """Append events as `append` does each, and wait for the disk once."""
    path = home / "journal" / f"{kind}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"written_at": utc_now(), **event}, default=_as_text) + "\n" for event in events]
    if not lines:
        return
    with path.open("a+b") as file:
        _end_line(file)
        file.write("".join(lines).encode())
        file.flush()
        if is_durable:
            os.fsync(file.fileno())


def read(home: Path, kind: str) -> list[dict[str, Any]]:
    """All events of a kind, oldest first; a line that a crash cut off is left out."""
    path = home / "journal" / f"{kind}.jsonl"
    if not path.exists():
        return []
    events = []
    for line in path.read_text(encoding="utf-8").splitlines():
        with suppress(json.JSONDecodeError):
            events.append(json.loads(line))
    return events


def _end_line(file: BinaryIO) -> None:
    """Part what a crash cut off from the line to come."""
    if file.seek(0, os.SEEK_END):
        file.seek(-1, os.SEEK_END)
        if file.read() != b"\n":
            file.write(b"\n")


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
