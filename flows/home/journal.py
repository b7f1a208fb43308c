"""The journal: append-only JSON lines beside the warehouse, from which, with raw/, everything can be rebuilt."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from io import RawIOBase
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from flows.clock import utc_now

FIRST_LOOK = 1 << 20


def append(home: Path, kind: str, *, is_durable: bool = True, **event: Any) -> None:
    """Append one event to `journal/<kind>.jsonl`: safe from now on if this process dies, and durable on the disk.

    Where there are very many of little weight, `is_durable=False` leaves the disk to the system: a power cut may take
    the last ones.
    """
    append_all(home, kind, [event], is_durable=is_durable)


def append_all(home: Path, kind: str, events: Iterable[Mapping[str, Any]], *, is_durable: bool = True) -> None:
    """Append events as `append` does each, and wait for the disk once."""
    with Writer(home, kind) as writer:
        writer.append(events)
        if is_durable:
            writer.make_durable()


class Writer:
    """The open file of one kind of event, for callers that append very many. Several processes may write at once."""

    def __init__(self, home: Path, kind: str) -> None:
        path = home / "journal" / f"{kind}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b", buffering=0)
        _end_line(self._file)

    def append(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Append events in one write: safe from now on if this process dies."""
        lines = [json.dumps({"written_at": utc_now(), **event}, default=_as_text) + "\n" for event in events]
        if lines:
            _write_whole(self._file, "".join(lines).encode())

    def make_durable(self) -> None:
        """Wait until the disk has what was appended."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def lines_since(home: Path, kind: str, is_older: Callable[[dict[str, Any]], bool]) -> Iterator[bytes]:
    """The lines of a kind from the offset of `start_since` on, oldest first."""
    path = home / "journal" / f"{kind}.jsonl"
    if path.exists():
        with path.open("rb") as file:
            file.seek(start_since(path, is_older))
            yield from file


def start_since(path: Path, is_older: Callable[[dict[str, Any]], bool]) -> int:
    """The offset to read from, so that only events are left out for which `is_older` is true.

    `is_older` has to be true of every event before one of which it is true. The file is searched from its end, twice as
    far each time, because the events of a day must not cost reading a journal of years.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        n_bytes = FIRST_LOOK
        while n_bytes < size:
            file.seek(size - n_bytes)
            file.readline()  # The rest of a line.
            start = file.tell()
            event = event_of(file.readline())
            if event is not None and is_older(event):
                return start
            n_bytes *= 2
    return 0


def read(home: Path, kind: str) -> list[dict[str, Any]]:
    """All events of a kind, oldest first; lines that are no events are skipped (`skipped_lines` counts them)."""
    return list(events(home, kind))


def events(home: Path, kind: str) -> Iterator[dict[str, Any]]:
    """The same one by one, for a caller that stops before the end of a long journal."""
    path = home / "journal" / f"{kind}.jsonl"
    if path.exists():
        with path.open("rb") as lines:
            for line in lines:
                event = event_of(line)
                if event is not None:
                    yield event


def event_of(line: bytes) -> dict[str, Any] | None:
    """The event on a line; None where a crash cut the line off or left zeros, or another program wrote it."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and "written_at" in value else None


def skipped_lines(home: Path) -> list[str]:
    """A remark for each file of the journal that has lines which are no events: how many, and where the first is."""
    remarks = []
    for path in sorted((home / "journal").glob("*.jsonl")):
        with path.open("rb") as lines:
            numbers = [number for number, line in enumerate(lines, start=1) if not _looks_whole(line)]
        if numbers:
            lines_skipped = "1 line is" if len(numbers) == 1 else f"{len(numbers)} lines are"
            remarks.append(
                f"journal/{path.name}: {lines_skipped} no event and skipped (the first is line {numbers[0]}): "
                "cut off by a crash, or not written by trackrecord."
            )
    return remarks


def _looks_whole(line: bytes) -> bool:
    """Whether a line begins and ends like an event: parsing every line of years would cost minutes."""
    try:
        text = line.decode().rstrip()
    except UnicodeDecodeError:
        return False
    return not text or (text.startswith('{"written_at": ') and text.endswith("}"))


def find(
    connection: duckdb.DuckDBPyConnection, home: Path, kind: str, condition: str, **values: object
) -> list[dict[str, Any]]:
    """The events of a kind of which a condition in SQL holds, oldest first; `json` is the event.

    DuckDB filters the file, so that a journal of years is never in memory as a whole.
    """
    path = home / "journal" / f"{kind}.jsonl"
    if not path.exists():
        return []
    lines = connection.execute(
        "select json::varchar from read_json_objects($path, format = 'newline_delimited', ignore_errors = true) "
        f"where json_type(json) = 'OBJECT' and (json->>'written_at') is not null and ({condition})",
        {"path": str(path), **values},
    ).fetchall()
    return [json.loads(line) for (line,) in lines]


def _end_line(file: RawIOBase) -> None:
    """End a line that a crash cut off, so that the next one begins anew."""
    if file.seek(0, os.SEEK_END):
        file.seek(-1, os.SEEK_END)
        if file.read() != b"\n":
            _write_whole(file, b"\n")


def _write_whole(file: RawIOBase, data: bytes) -> None:
    """Write until all is written: a full disk cuts a write short, and only the next one raises."""
    while data:
        data = data[file.write(data) :]


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
