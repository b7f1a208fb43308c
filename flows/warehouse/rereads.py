"""Rereads: the span of the past that a delivery covers again, and the rows that its vendor no longer delivers.

`raw` holds only new and changed rows; that an old row came again unchanged, or came no more, is recorded here.
"""

from datetime import datetime
from functools import cache
from pathlib import Path

import duckdb
import jinja2

from flows.config import SQL_DIR
from flows.datasets import Dataset
from flows.home.raw_store import Kept


def record_reread(
    connection: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    kept: Kept,
    *,
    snapshot_id: int,
    has_history: bool,
    is_archive: bool,
) -> None:
    """Append to `ops.reread` what the rows in `incoming` cover, and to `ops.vanished` what they should hold and do not.

    Call it in the snapshot's transaction, once `ops.snapshot` has the snapshot.
    """
    if dataset.moment is None:
        return
    for name, value in (
        ("snapshot_id", snapshot_id),
        ("dataset", dataset.name),
        ("since", kept.since),
        ("token_ids", sorted(kept.token_ids) if kept.token_ids is not None else None),
        ("has_history", has_history),
        ("is_archive", is_archive),
    ):
        connection.execute(f"set variable {name} = $value", {"value": value})
    connection.execute(_template(SQL_DIR, "ops/keys.sql").render(dataset=dataset))
    if dataset.has_vendor:
        connection.execute(f"insert into ops.vanished by name {_select('vanished')}")
    connection.execute(f"insert into ops.reread by name {_select('reread')}")


def record_repeat(
    connection: duckdb.DuckDBPyConnection, *, snapshot_id: int, run_id: str, as_of: datetime, fetched_at: datetime
) -> None:
    """Append to `ops.reread` that the bytes of a snapshot were delivered once more."""
    connection.execute(
        """
        insert into ops.reread by name
        select * replace ($run_id as run_id, $as_of::timestamp as as_of, $fetched_at::timestamp as fetched_at)
        from ops.reread
        semi join ops.snapshot using (snapshot_id, run_id)
        where snapshot_id = $snapshot_id
        """,
        {"snapshot_id": snapshot_id, "run_id": run_id, "as_of": as_of, "fetched_at": fetched_at},
    )


def _select(table: str) -> str:
    return (SQL_DIR / "ops" / f"{table}.sql").read_text(encoding="utf-8")


@cache
def _template(folder: Path, name: str) -> jinja2.Template:
    loader = jinja2.FileSystemLoader(folder)
    return jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, autoescape=False).get_template(name)
