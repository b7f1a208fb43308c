"""The grid of bars: of a whole home, moved by an offset where a folder declared one before it brought a bar."""

from datetime import datetime
from pathlib import Path

import duckdb

from flows.clock import utc_now
from flows.errors import UsageError
from flows.home import journal
from flows.home.raw_store import Kept
from flows.sources.declaration import stored_declaration
from flows.warehouse.connection import offsets_of, set_macros

KIND = "grids"


def settle_grid(connection: duckdb.DuckDBPyConnection, home: Path, kept: Kept, timeframes: tuple[str, ...]) -> bool:
    """Move the grids that the declaration of fetched bars moves, in the journal first; return whether one has moved.

    Raises UsageError where the home has bars on another grid: a grid moves for all vendors and for ever.
    """
    declared = stored_declaration(kept.declaration).bar_offset
    in_force = offsets_of(connection)
    has_moved = False
    for timeframe, seconds in declared.items():
        if in_force.get(timeframe, 0) == seconds:
            continue
        if connection.execute("from raw.prices where timeframe = $1 limit 1", [timeframe]).fetchone():
            raise UsageError(
                f"bar_offset moves the grid of {timeframe} by {seconds} seconds, but this home has bars of {timeframe} "
                f"on a grid moved by {in_force.get(timeframe, 0)} seconds, and a grid is that of the whole home. Set "
                "TRACKRECORD_HOME to a home of its own, or leave bar_offset out."
            )
        journal.append(home, KIND, timeframe=timeframe, offset_seconds=seconds, declared_at=utc_now())
        has_moved = True
    if has_moved:
        adopt_grids(connection, home, timeframes)
    return has_moved


def adopt_grids(connection: duckdb.DuckDBPyConnection, home: Path, timeframes: tuple[str, ...]) -> None:
    """Enter the grids that the journal knows; the last one declared of a timeframe is in force."""
    known = {declared_at for (declared_at,) in connection.execute("select declared_at from ops.grid").fetchall()}
    for event in journal.events(home, KIND):
        declared_at = datetime.fromisoformat(event["declared_at"])
        if declared_at not in known:
            connection.execute(
                "insert into ops.grid values (?, ?, ?)", [event["timeframe"], event["offset_seconds"], declared_at]
            )
    set_macros(connection, timeframes)
