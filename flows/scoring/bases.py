"""Base windows of every group, read from `work` and handed out in pieces of whole groups."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from flows.scoring.base import LONG, SHORT, WINDOWS, Ints, Series
from flows.scoring.windows import BITS_A_HORIZON, HIT_LONG, HIT_SHORT, SCORED

Columns = dict[str, NDArray[Any]]
Counts = NDArray[np.int64] | NDArray[np.bool_]

# A vendor's id and a sector or token.
Group = tuple[object, object]

# Rows of tokens' base windows that one worker holds as series at once.
ROWS_A_PIECE = 400_000


@dataclass(frozen=True)
class Base:
    """Base windows of some groups, of one timeframe and horizon: the covered tokens', and all priced tokens'."""

    groups: dict[Group, int]
    covered: Series
    priced: Series


@dataclass(frozen=True)
class Bases:
    """The base windows of one horizon in pieces, each made when its turn comes: all at once would fill the memory.

    `piece` says which piece holds a group.
    """

    horizon: int
    piece: dict[Group, int]
    make: tuple[Callable[[], Base], ...]


def sector_bases(connection: duckdb.DuckDBPyConnection, timeframe: str, horizons: tuple[int, ...]) -> Iterator[Bases]:
    """The base windows of sectors, which are few: one piece a horizon."""
    for horizon in horizons:
        rows = fetch(
            connection,
            f"""
            select
                vendor_id, sector as "group", epoch(entry_at)::bigint // bar_seconds(timeframe) as step,
                n_windows, n_hit_long, n_hit_short, n_priced, n_priced_hit_long, n_priced_hit_short
            from work.sector_base
            inner join work.vendor using (vendor)
            where timeframe = '{timeframe}' and horizon = {horizon}
            order by vendor_id, sector, entry_at
            """,
        )
        yield Bases(horizon, {}, (partial(_of_sectors, rows),))


def _of_sectors(rows: Columns) -> Base:
    grid = _Grid.of(rows)
    return Base(
        grid.groups,
        grid.series(rows["n_hit_long"], rows["n_hit_short"], rows["n_windows"]),
        grid.series(rows["n_priced_hit_long"], rows["n_priced_hit_short"], rows["n_priced"]),
    )


def token_bases(connection: duckdb.DuckDBPyConnection, timeframe: str, horizons: tuple[int, ...]) -> Iterator[Bases]:
    """The base windows of the tokens in scope, whose flags hold all horizons: read once, in pieces of whole tokens."""
    rows = fetch(
        connection,
        f"""
        select
            vendor_id, token_id as "group", epoch(entry_at)::bigint // bar_seconds('{timeframe}') as step,
            is_covered, flags
        from work.token_base_{timeframe}
        inner join work.vendor using (vendor)
        order by vendor_id, token_id, entry_at
        """,
    )
    every = _Pieces.of(rows)
    for place, horizon in enumerate(horizons):
        asked = _groups_in_scope(connection, timeframe, horizon)
        # Where most are asked for, leaving out the others costs more than it saves.
        is_most = 2 * len(asked) > len(every.held_by)
        mine = every if is_most else _Pieces.of(_rows_of(rows, asked))
        yield Bases(
            horizon,
            mine.held_by,
            tuple(
                partial(_of_tokens, grid, piece["flags"], piece["is_covered"], place)
                for grid, piece in zip(mine.grids, mine.pieces, strict=True)
            ),
        )


def _groups_in_scope(connection: duckdb.DuckDBPyConnection, timeframe: str, horizon: int) -> set[Group]:
    """The tokens whose scorecards take inference at a horizon."""
    return set(
        connection.execute(
            "select vendor_id, token_id from work.card_scope inner join work.vendor using (vendor) "
            "where timeframe = $timeframe and horizon = $horizon and is_rescored",
            {"timeframe": timeframe, "horizon": horizon},
        ).fetchall()
    )


def _rows_of(rows: Columns, asked: set[Group]) -> Columns:
    """Only the rows of the groups asked for; sorted rows stay so."""
    starts = _group_starts(rows)
    groups = zip(rows["vendor_id"][starts].tolist(), rows["group"][starts].tolist(), strict=True)
    is_asked = np.array([group in asked for group in groups], dtype=np.bool_)
    taken = np.repeat(is_asked, np.diff(starts, append=len(rows["step"])))
    return {name: values[taken] for name, values in rows.items()}


@dataclass(frozen=True)
class _Pieces:
    """Sorted rows in pieces of whole groups, where their rows stand in series, and which piece holds a group."""

    pieces: Sequence[Columns]
    grids: Sequence["_Grid"]
    held_by: dict[Group, int]

    @classmethod
    def of(cls, rows: Columns) -> "_Pieces":
        pieces = _pieces(rows)
        grids = [_Grid.of(piece) for piece in pieces]
        return cls(pieces, grids, {group: number for number, grid in enumerate(grids) for group in grid.groups})


def _of_tokens(grid: "_Grid", flags: Ints, is_covered: NDArray[np.bool_], place: int) -> Base:
    bits = flags >> (BITS_A_HORIZON * place)
    scored, hit_long, hit_short = (bits & bit != 0 for bit in (SCORED, HIT_LONG, HIT_SHORT))
    return Base(
        grid.groups,
        grid.series(hit_long & is_covered, hit_short & is_covered, scored & is_covered),
        grid.series(hit_long, hit_short, scored),
    )


def _pieces(rows: Columns) -> Sequence[Columns]:
    """Sorted rows cut at borders of groups into pieces of about `ROWS_A_PIECE`; one at least."""
    starts = _group_starts(rows)
    cuts = starts[np.flatnonzero(np.diff(starts // ROWS_A_PIECE, prepend=-1))]
    bounds = [*cuts.tolist(), len(rows["step"])] if len(cuts) else [0, 0]
    return [{name: values[start:end] for name, values in rows.items()} for start, end in pairwise(bounds)]


def _group_starts(rows: Columns) -> Ints:
    """Where each group of sorted rows begins."""
    vendor, group = rows["vendor_id"], rows["group"]
    is_start = np.r_[True, (vendor[1:] != vendor[:-1]) | (group[1:] != group[:-1])][: len(group)]
    return np.flatnonzero(is_start)


@dataclass(frozen=True)
class _Grid:
    """Where the rows of a query, sorted by group and grid step, stand in a series without gaps.

    After the groups stands one of no length, for whatever has no rows.
    """

    groups: dict[Group, int]
    first: Ints
    length: Ints
    position: Ints

    @classmethod
    def of(cls, rows: Columns) -> "_Grid":
        step, starts = rows["step"], _group_starts(rows)
        n_rows = np.diff(starts, append=len(step))
        ends = starts + n_rows - 1
        first = np.r_[step[starts], 0].astype(np.int64)
        length = np.r_[step[ends] - step[starts] + 1, 0].astype(np.int64)
        offset = np.r_[0, np.cumsum(length)[:-1]]
        number = np.repeat(np.arange(len(starts)), n_rows)
        pairs = zip(rows["vendor_id"][starts].tolist(), rows["group"][starts].tolist(), strict=True)
        return cls(
            {pair: place for place, pair in enumerate(pairs)}, first, length, offset[number] + step - first[number]
        )

    def series(self, hit_long: Counts, hit_short: Counts, windows: Counts) -> Series:
        counts = np.zeros((3, int(self.length.sum())), dtype=np.int32)
        for row, values in ((LONG, hit_long), (SHORT, hit_short), (WINDOWS, windows)):
            counts[row, self.position] = values
        return Series(counts, self.first, self.length)


def fetch(connection: duckdb.DuckDBPyConnection, query: str) -> Columns:
    """A query's columns as arrays; NULL numbers are NaN."""
    table = connection.execute(query).to_arrow_table()
    return {name: table.column(name).to_numpy() for name in table.column_names}
