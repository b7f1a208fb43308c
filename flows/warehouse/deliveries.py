"""Deliveries as analysts see them: `ops.delivery`, written anew from the journal before each publish."""

from collections.abc import Iterable, Sequence

import duckdb


def adopt_deliveries(connection: duckdb.DuckDBPyConnection, rows: Iterable[Sequence[object]]) -> None:
    """Replace the rows of `ops.delivery`, each given in the order of its columns. The journal is the truth."""
    connection.execute("begin")
    connection.execute("delete from ops.delivery")
    for row in rows:
        connection.execute(f"insert into ops.delivery values ({', '.join('?' * len(row))})", row)
    connection.execute("commit")
