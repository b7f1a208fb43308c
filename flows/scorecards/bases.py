"""Base windows of every group, read from the warehouse, handed out in pieces of whole groups."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from flows.scorecards.cells import at_horizon, fetch
from flows.scoring.edge import groups_of
from flows.scoring.series import LONG, SHORT, WINDOWS, Base, Columns, Counts, Group, Ints, Series
from flows.scoring.windows import BITS_A_HORIZON, HIT_LONG, HIT_SHORT, SCORED

# Bars of tokens whose base windows one worker has in memory at once.
BARS_A_PIECE = 400_000


@dataclass(frozen=True)
class Bases:
    """The base windows of one horizon in pieces, each made only when it is needed: all at once would fill the memory.

    `piece` is the number of the piece that contains a group.
    """

    horizon: int
    piece: dict[Group, int]
    make: tuple[Callable[[], Base], ...]


def sector_bases(
    connection: duckdb.DuckDBPyConnection,
    timeframe: str,
    horizons: tuple[int, ...],
    cells: Columns,
    *,
    series: str,
    bases: str,
) -> Iterator[Bases]:
    """The base windows of sectors, which are few: one piece a horizon, the longest first.

    The table `series` has the position of each sector in an array, `bases` the counts of each entry moment.
    """
    for horizon in sorted(horizons, reverse=True):
        where = f"where timeframe = '{timeframe}' and horizon = {horizon}"
        placed = fetch(
            connection,
            f"""
            select
                vendor_id, sector, bar_number(timeframe, started_at) as first, n_moments
            from {series}
            {where}
            order by position
            """,
        )
        # Rows may come in any order, because each has its position.
        rows = fetch(
            connection,
            f"""
            select
                series.position + bars_between('{timeframe}', series.started_at, base.entry_at) as position,
                n_windows, n_hit_long, n_hit_short, n_priced, n_priced_hit_long, n_priced_hit_short
            from {bases} as base
            inner join {series} as series using (vendor, sector, timeframe, horizon)
            {where}
            """,
        )
        yield Bases(horizon, {}, (partial(_of_sectors, placed, rows),))


def _of_sectors(series: Columns, rows: Columns) -> Base:
    first, length = series["first"], series["n_moments"]

    def counted(*names: str) -> Series:
        counts = np.zeros((3, int(length.sum())), dtype=np.int64)
        for row, name in zip((LONG, SHORT, WINDOWS), names, strict=True):
            counts[row, rows["position"]] = rows[name]
        return _series(counts, first, length)

    return Base(
        _numbered(zip(series["vendor_id"].tolist(), series["sector"].tolist(), strict=True)),
        counted("n_hit_long", "n_hit_short", "n_windows"),
        counted("n_priced_hit_long", "n_priced_hit_short", "n_priced"),
    )


def token_bases(
    connection: duckdb.DuckDBPyConnection,
    timeframe: str,
    horizons: tuple[int, ...],
    cells: Columns,
    *,
    series: str,
    bases: str,
) -> Iterator[Bases]:
    """The base windows of the cells' tokens. Their flags contain all horizons, so they are read once for all.

    The table `series` has the position of each token's bars in an array, `bases` the flags of each bar.
    """
    every = _TokenSeries.read(connection, timeframe, series, bases)
    for place, horizon in enumerate(horizons):
        asked = set(groups_of(at_horizon(cells, horizon)))
        pieces = every.pieces([number for number, group in enumerate(every.groups) if group in asked])
        yield Bases(
            horizon,
            {every.groups[number]: piece for piece, numbers in enumerate(pieces) for number in numbers},
            tuple(partial(every.base, numbers, place) for numbers in pieces),
        )


@dataclass(frozen=True)
class _TokenSeries:
    """Every token's windows, one token after another, each without gaps from its first bar on.

    `flags` and `is_covered` contain them all; a bar without a window has no flags. `first` is the grid step of a
    token's first bar, `position` the index of that bar.
    """

    groups: Sequence[Group]
    first: Ints
    length: Ints
    position: Ints
    flags: Ints
    is_covered: NDArray[np.bool_]

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection, timeframe: str, series: str, bases: str) -> "_TokenSeries":
        placed = fetch(
            connection,
            f"""
            select vendor_id, token_id, bar_number(timeframe, started_at) as first, n_bars, position
            from {series}
            where timeframe = '{timeframe}'
            order by position
            """,
        )
        n_bars = int(placed["n_bars"].sum())
        flags, is_covered = np.zeros(n_bars, dtype=np.int64), np.zeros(n_bars, dtype=np.bool_)
        # Rows may come in any order, because each has its position; sorting them would take longer than reading them.
        rows = connection.execute(f"select position, is_covered, flags from {bases} where timeframe = '{timeframe}'")
        for batch in rows.to_arrow_reader():
            position = batch["position"].to_numpy()
            flags[position] = batch["flags"].to_numpy()
            is_covered[position] = batch["is_covered"].to_numpy(zero_copy_only=False)
        groups = list(zip(placed["vendor_id"].tolist(), placed["token_id"].tolist(), strict=True))
        return cls(groups, placed["first"], placed["n_bars"], placed["position"], flags, is_covered)

    def pieces(self, numbers: Sequence[int]) -> Sequence[Sequence[int]]:
        """The tokens with these numbers in pieces of about `BARS_A_PIECE`, at least one."""
        before = np.cumsum(self.length[numbers]) - self.length[numbers]
        cuts = np.flatnonzero(np.diff(before // BARS_A_PIECE, prepend=-1)).tolist()
        return [numbers[start:end] for start, end in pairwise([*(cuts or [0]), len(numbers)])]

    def base(self, numbers: Sequence[int], place: int) -> Base:
        """The base windows of some tokens at the horizon whose place among the horizons is given."""
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
    """Series of groups, with an empty one at the end for groups without windows."""
    return Series(counts, np.r_[first, 0].astype(np.int64), np.r_[length, 0].astype(np.int64))
