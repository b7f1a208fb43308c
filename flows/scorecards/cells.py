"""Cells, their blocks and other tables of a scorecard as arrays, and arrays as tables."""

import duckdb
import numpy as np
import pyarrow as pa

from flows.scoring.blocks import Blocks
from flows.scoring.series import Columns


def fetch(connection: duckdb.DuckDBPyConnection, query: str) -> Columns:
    """A query's columns as arrays; NULL numbers are NaN."""
    table = connection.execute(query).to_arrow_table()
    return {name: table.column(name).to_numpy() for name in table.column_names}


def fetch_cells(connection: duckdb.DuckDBPyConnection, table: str, timeframe: str) -> Columns:
    """The cells of a timeframe that take inference, in order of their id."""
    return fetch(connection, f"select * from {table} where timeframe = '{timeframe}' order by cell_id")


def fetch_blocks(connection: duckdb.DuckDBPyConnection, table: str, timeframe: str, horizon: int) -> Blocks:
    """The blocks of the cells of a timeframe and horizon: every column of `table` beyond its grain is a sum."""
    rows = fetch(
        connection,
        f"select * exclude (timeframe, horizon) from {table} where timeframe = '{timeframe}' and horizon = {horizon}",
    )
    return Blocks.gathered(rows.pop("cell_id"), rows.pop("block"), rows.pop("part"), **rows)


def at_horizon(cells: Columns, horizon: int) -> Columns:
    """Only the cells of a horizon."""
    is_at = cells["horizon"] == horizon
    return {name: values[is_at] for name, values in cells.items()}


def as_table(columns: Columns) -> pa.Table:
    """Columns as a table; NaN is NULL."""
    return pa.table(
        {
            name: pa.array(values, mask=np.isnan(values)) if values.dtype == np.float64 else pa.array(values)
            for name, values in columns.items()
        }
    )
