"""Exact rows: what a table holds, compared with what a test wrote down by hand."""

from datetime import datetime
from typing import Any

import duckdb
import pytest


def expect(
    connection: duckdb.DuckDBPyConnection, table: str, columns: str, *rows: tuple[Any, ...], where: str = "true"
) -> None:
    """Assert that a table holds these rows, and no others that `where` lets through, in order of the columns.

    `columns` are names with commas between them. Fractions agree to nine digits, all else is equal.
    """
    found = connection.execute(f"select {columns} from {table} where {where} order by all").fetchall()
    assert found == [tuple(map(_nearly, row)) for row in rows], f"{table}: {columns}"


def expect_same(connection: duckdb.DuckDBPyConnection, table: str, other: str, where: str = "true") -> None:
    """Assert that a table holds what another one holds, in every column of the other."""
    columns = ", ".join(name for (name, *_) in connection.execute(f"describe {other}").fetchall())
    ours, theirs = (
        connection.execute(f"select {columns} from {each} where {where} order by all").fetchall()
        for each in (table, other)
    )
    assert theirs, f"{other} is empty"
    assert ours == theirs, f"{table} and {other}"


def _nearly(cell: Any) -> Any:
    return pytest.approx(cell, rel=1e-9, abs=1e-12) if isinstance(cell, float) else cell


def fixed(fraction: float) -> Any:
    """A sum of fractions as the models hold it, in whole 1e-15."""
    return pytest.approx(fraction * 1e15, rel=1e-9, abs=1000)


class During:
    """A moment that our own clock gave while something ran: equal to every one from its first to its last."""

    def __init__(self, first: datetime, last: datetime) -> None:
        self.first, self.last = first, last

    def __eq__(self, other: object) -> bool:
        return isinstance(other, datetime) and self.first <= other <= self.last

    def __hash__(self) -> int:
        return hash((self.first, self.last))

    def __repr__(self) -> str:
        return f"During({self.first}, {self.last})"
