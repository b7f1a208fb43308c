"""Ledgers that are written without the lock, taken from the journal into `ops` when a writer opens the warehouse."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import duckdb

from flows.home import journal

# The columns of each ledger as its journal lines name them; `read_json` is told them, so that nothing is guessed.
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
# Journal lines are stamped as they are written, under one name whatever they tell of.
STAMPED = {"seen_at": "written_at", "kept_at": "written_at"}


def adopt_journal(connection: duckdb.DuckDBPyConnection, home: Path) -> None:
    """Add to each ledger the journal's lines that it does not hold. Running twice is running once."""
    for table, (kind, key, columns) in LEDGERS.items():
        path = home / "journal" / f"{kind}.jsonl"
        if not path.exists():
            continue
        # Lines are taken up to the end each time: before one that is held there is none that is not.
        start = journal.start_since(path, partial(_is_held, connection, table))
        types = {STAMPED.get(name, name): kind_of for name, kind_of in columns.items()}
        struct = "{" + ", ".join(f"'{name}': '{kind_of}'" for name, kind_of in types.items()) + "}"
        told = ", ".join(f"{STAMPED.get(name, name)} as {name}" for name in columns)
        with _from(path, start) as new:
            quoted = str(new).replace("'", "''")
            connection.execute(
                f"""
                insert into ops.{table} by name
                select distinct {told}
                from read_json('{quoted}', format = 'newline_delimited', columns = {struct}, ignore_errors = true)
                where {STAMPED.get(key, key)} is not null
                    and {STAMPED.get(key, key)} not in (select {key} from ops.{table} where {key} is not null)
                """
            )


def _is_held(connection: duckdb.DuckDBPyConnection, table: str, event: Mapping[str, Any]) -> bool:
    """Whether a ledger has this very line: its key, and its stamp where it has one."""
    _, key, columns = LEDGERS[table]
    telling = [name for name in columns if name == key or name in STAMPED]
    same = " and ".join(f"{name} = ?::{columns[name]}" for name in telling)
    values = [event[STAMPED.get(name, name)] for name in telling]
    return connection.execute(f"select count(*) > 0 from ops.{table} where {same}", values).fetchall() == [(True,)]


@contextmanager
def _from(path: Path, start: int) -> Iterator[Path]:
    """A file from some place on: itself, or a copy of its end."""
    if not start:
        yield path
        return
    with path.open("rb") as whole, NamedTemporaryFile(suffix=".jsonl") as end:
        whole.seek(start)
        shutil.copyfileobj(whole, end)
        end.flush()
        yield Path(end.name)
