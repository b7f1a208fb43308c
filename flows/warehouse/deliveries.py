"""Deliveries as analysts see them: `ops.delivery`, written anew from the journal before each publish."""

from collections.abc import Iterable
from dataclasses import astuple

import duckdb

from flows.delivery.delivery import Delivery


def adopt_deliveries(connection: duckdb.DuckDBPyConnection, deliveries: Iterable[Delivery]) -> None:
    """Make `ops.delivery` say where every delivery stands. The journal is the truth; writing it needs no lock."""
    connection.execute("begin")
    connection.execute("delete from ops.delivery")
    rows = [astuple(one)[:-1] for one in deliveries]
    if rows:
        connection.executemany(f"insert into ops.delivery values ({', '.join('?' * len(rows[0]))})", rows)
    connection.execute("commit")
