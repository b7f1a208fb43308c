"""Base windows of every group, read from `temp` and `work`, handed out in pieces of whole groups."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from flows.scoring.base import LONG, SHORT, WINDOWS, Counts, Ints, Series
from flows.scoring.windows import BITS_A_HORIZON, HIT_LONG, HIT_SHORT, SCORED

Columns = dict[str, NDArray[Any]]

# A vendor's id and a sector or token.
Group = tuple[object, object]

# Bars of tokens whose base windows one worker holds as series at once.
BARS_A_PIECE = 400_000


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
    """The base windows of sectors, which are few: one piece a horizon.

    The shortest has the most blocks and comes last: the tokens' are read while it is inferred from.
    """
    for horizon in sorted(horizons, reverse=True):
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
    vendor, group, step = rows["vendor_id"], rows["group"], rows["step"]
    is_start = np.r_[True, (vendor[1:] != vendor[:-1]) | (group[1:] != group[:-1])][: len(group)]
    starts = np.flatnonzero(is_start)
    n_rows = np.diff(starts, append=len(step))
    first = step[starts]
    length = step[starts + n_rows - 1] - first + 1
    before = np.cumsum(length) - length
    position = np.repeat(before - first, n_rows) + step
    groups = _numbered(zip(vendor[starts].tolist(), group[starts].tolist(), strict=True))

    def series(*names: str) -> Series:
        counts = np.zeros((3, int(length.sum())), dtype=np.int64)
        for row, name in zip((LONG, SHORT, WINDOWS), names, strict=True):
            counts[row, position] = rows[name]
        return _series(counts, first, length)

    return Base(
        groups,
        series("n_hit_long", "n_hit_short", "n_windows"),
        series("n_priced_hit_long", "n_priced_hit_short", "n_priced"),
    )


def token_bases(connection: duckdb.DuckDBPyConnection, timeframe: str, horizons: tuple[int, ...]) -> Iterator[Bases]:
    """The base windows of the tokens in scope, whose flags hold all horizons: read once, handed out by whole tokens."""
    every = _TokenSeries.read(connection, timeframe)
    for place, horizon in enumerate(horizons):
        asked = _groups_in_scope(connection, timeframe, horizon)
        pieces = every.pieces([number for number, group in enumerate(every.groups) if group in asked])
        yield Bases(
            horizon,
            {every.groups[number]: piece for piece, numbers in enumerate(pieces) for number in numbers},
            tuple(partial(every.base, numbers, place) for numbers in pieces),
        )


def _groups_in_scope(connection: duckdb.DuckDBPyConnection, timeframe: str, horizon: int) -> set[Group]:
    """The tokens whose scorecards take inference at a horizon."""
    return set(
        connection.execute(
            "select vendor_id, token_id from temp.card_scope inner join work.vendor using (vendor) "
            "where timeframe = $timeframe and horizon = $horizon and is_rescored",
            {"timeframe": timeframe, "horizon": horizon},
        ).fetchall()
    )


@dataclass(frozen=True)
class _TokenSeries:
    """Every token's windows, one token after another, each without gaps from its first bar on.

    `flags` and `is_covered` hold them all; a bar without a window has no flags. `first` is the grid step of a token's
    first bar, `position` where that one stands.
    """

    groups: Sequence[Group]
    first: Ints
    length: Ints
    position: Ints
    flags: Ints
    is_covered: NDArray[np.bool_]

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection, timeframe: str) -> "_TokenSeries":
        series = fetch(
            connection,
            f"""
            select vendor_id, token_id, epoch(started_at)::bigint // bar_seconds(timeframe) as first, n_bars, position
            from temp.token_series
            where timeframe = '{timeframe}'
            order by position
            """,
        )
        n_bars = int(series["n_bars"].sum())
        flags, is_covered = np.zeros(n_bars, dtype=np.int64), np.zeros(n_bars, dtype=np.bool_)
        # In no order: to sort the rows would take longer than to read them.
        rows = connection.execute(f"select position, is_covered, flags from temp.token_base_{timeframe}")
        for batch in rows.to_arrow_reader():
            position = batch["position"].to_numpy()
            flags[position] = batch["flags"].to_numpy()
            is_covered[position] = batch["is_covered"].to_numpy(zero_copy_only=False)
        groups = list(zip(series["vendor_id"].tolist(), series["token_id"].tolist(), strict=True))
        return cls(groups, series["first"], series["n_bars"], series["position"], flags, is_covered)

    def pieces(self, numbers: Sequence[int]) -> Sequence[Sequence[int]]:
        """The tokens with these numbers in pieces of about `BARS_A_PIECE`; one at least."""
        before = np.cumsum(self.length[numbers]) - self.length[numbers]
        cuts = np.flatnonzero(np.diff(before // BARS_A_PIECE, prepend=-1)).tolist()
        return [numbers[start:end] for start, end in pairwise([*(cuts or [0]), len(numbers)])]

    def base(self, numbers: Sequence[int], place: int) -> Base:
        """The base windows of some tokens at the horizon that stands at a place."""
        spans = [slice(self.position[number], self.position[number] + self.length[number]) for number in numbers]
        bits = _joined(self.flags, spans) >> (BITS_A_HORIZON * place)
        is_covered = _joined(self.is_covered, spans)
        priced = np.stack([bits & bit != 0 for bit in (HIT_LONG, HIT_SHORT, SCORED)])
        first, length = self.first[numbers], self.length[numbers]
        return Base(
            _numbered(self.groups[number] for number in numbers),
            _series(priced & is_covered, first, length),
            _series(priced, first, length),
        )


def _joined(values: NDArray[Any], spans: Sequence[slice]) -> NDArray[Any]:
    return np.concatenate([values[span] for span in spans]) if spans else values[:0]


def _numbered(groups: Iterable[Group]) -> dict[Group, int]:
    return {group: number for number, group in enumerate(groups)}


def _series(counts: Counts, first: Ints, length: Ints) -> Series:
    """Series of groups; after them stands one of no length, for whatever has no windows."""
    return Series(counts, np.r_[first, 0].astype(np.int64), np.r_[length, 0].astype(np.int64))


def fetch(connection: duckdb.DuckDBPyConnection, query: str) -> Columns:
    """A query's columns as arrays; NULL numbers are NaN."""
    table = connection.execute(query).to_arrow_table()
    return {name: table.column(name).to_numpy() for name in table.column_names}
