"""Base windows of every group, read from `temp` and `work`, handed out in pieces of whole groups."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from flows.scoring.series import LONG, SHORT, WINDOWS, Counts, Ints, Series
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
        where = f"where timeframe = '{timeframe}' and horizon = {horizon}"
        series = fetch(
            connection,
            f"""
            select
                vendor_id, sector, bar_number(timeframe, started_at) as first, n_moments
            from temp.sector_series
            {where}
            order by position
            """,
        )
        # In no order, like the tokens': each row says where it stands.
        rows = fetch(
            connection,
            f"""
            select
                series.position + bars_between('{timeframe}', series.started_at, base.entry_at) as position,
                n_windows, n_hit_long, n_hit_short, n_priced, n_priced_hit_long, n_priced_hit_short
            from work.sector_base as base
            inner join temp.sector_series as series using (vendor, sector, timeframe, horizon)
            {where}
            """,
        )
        yield Bases(horizon, {}, (partial(_of_sectors, series, rows),))


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
            select vendor_id, token_id, bar_number(timeframe, started_at) as first, n_bars, position
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
