"""Ledgers are written to the journal without the lock, and copied into `ops` when a writer opens the warehouse."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import duckdb

from flows.home import journal
from flows.quoting import literal

# The columns of each ledger as its journal lines name them; they are given to `read_json`, which would else guess.
LEDGERS = {
    "request": (
        "requests",
        "request_id",
        {
            "run_id": "varchar",
            "request_id": "varchar",
            "endpoint": "varchar",
            "params": "json",
            "status": "integer",
            "fault": "varchar",
            "attempt": "integer",
            "n_bytes": "bigint",
            "latency_ms": "double",
            "server_request_id": "varchar",
            "requested_at": "timestamp",
        },
    ),
    "drift": (
        "drift",
        "seen_at",
        {
            "run_id": "varchar",
            "source": "varchar",
            "endpoint": "varchar",
            "field": "varchar",
            "what": "varchar",
            "n_rows": "bigint",
            "example": "varchar",
            "seen_at": "timestamp",
        },
    ),
    "raw_body": (
        "raw",
        "file",
        {
            "file": "varchar",
            "dataset": "varchar",
            "source": "varchar",
            "name": "varchar",
            "request": "json",
            "sha256": "varchar",
            "n_bytes": "bigint",
            "kept_at": "timestamp",
        },
    ),
}
# Every journal line has its time under one name, which the ledgers call by what happened then.
STAMPED = {"seen_at": "written_at", "kept_at": "written_at"}


def adopt_journal(connection: duckdb.DuckDBPyConnection, home: Path) -> None:
    """Add to each ledger the journal's lines that it lacks. Running twice is running once."""
    for table, (kind, key, columns) in LEDGERS.items():
        path = home / "journal" / f"{kind}.jsonl"
        if not path.exists():
            continue
        # Lines are always copied up to the end, so that every line before an adopted one is adopted.
        start = journal.start_since(path, partial(_is_adopted, connection, table))
        types = {STAMPED.get(name, name): kind_of for name, kind_of in columns.items()}
        struct = "{" + ", ".join(f"'{name}': '{kind_of}'" for name, kind_of in types.items()) + "}"
        cells = ", ".join(f"{STAMPED.get(name, name)} as {name}" for name in columns)
        with _from(path, start) as new:
            file = literal(str(new))
            connection.execute(
                f"""
                insert into ops.{table} by name
                select distinct {cells}
                from read_json({file}, format = 'newline_delimited', columns = {struct}, ignore_errors = true)
                where {STAMPED.get(key, key)} is not null
                    and {STAMPED.get(key, key)} not in (select {key} from ops.{table} where {key} is not null)
                """
            )


def _is_adopted(connection: duckdb.DuckDBPyConnection, table: str, event: Mapping[str, Any]) -> bool:
    """Whether a ledger has this line: its key, and its time where it has one."""
    _, key, columns = LEDGERS[table]
    compared = [name for name in columns if name == key or name in STAMPED]
    same = " and ".join(f"{name} = ?::{columns[name]}" for name in compared)
    values = [event[STAMPED.get(name, name)] for name in compared]
    return connection.execute(f"select count(*) > 0 from ops.{table} where {same}", values).fetchall() == [(True,)]


@contextmanager
def _from(path: Path, start: int) -> Iterator[Path]:
    """A file from an offset on: itself, or a copy of its end."""
    if not start:
        yield path
        return
    with path.open("rb") as whole, NamedTemporaryFile(suffix=".jsonl") as end:
        whole.seek(start)
        shutil.copyfileobj(whole, end)
        end.flush()
        yield Path(end.name)
