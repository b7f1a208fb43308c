"""Inference for the scorecards of signals: cells, blocks and base windows in, one narrow table out."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from flows.config import Settings
from flows.scorecards.bases import Bases
from flows.scorecards.cells import as_table, at_horizon, fetch_blocks, fetch_cells
from flows.scorecards.measures import Measures
from flows.scoring.blocks import Blocks
from flows.scoring.edge import groups_of, infer_cells
from flows.scoring.series import Base, Columns, Floats, Ints

# The base windows of a timeframe and its horizons, one horizon after the other, for some cells.
ReadBases = Callable[[str, tuple[int, ...], Columns], Iterator[Bases]]


def infer(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    measures: Measures,
    *,
    cells: str,
    blocks: str,
    read_bases: ReadBases,
) -> pa.Table:
    """Everything about the cells of a table that takes inference, by `cell_id`: of sectors or of tokens."""
    parts: list[Columns] = []
    under_way: deque[_Inference] = deque()
    with ThreadPoolExecutor(settings.threads) as pool:
        for timeframe in settings.timeframes:
            every = fetch_cells(connection, cells, timeframe)
            if not len(every["cell_id"]):
                continue
            for bases in read_bases(timeframe, settings.horizons[timeframe], every):
                # Blocks are read horizon by horizon: all of thousands of tokens or hundreds of vendors would not fit.
                of_calls = fetch_blocks(connection, blocks, timeframe, bases.horizon)
                under_way.append(_Inference.begun(at_horizon(every, bases.horizon), of_calls, bases, measures, pool))
                # Only as many horizons as there are threads are read ahead of the inference, for the same reason.
                if len(under_way) > settings.threads:
                    parts.append(under_way.popleft().finish())
        parts += [one.finish() for one in under_way]
    if not parts:
        return as_table(_nothing(measures))
    return as_table({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


@dataclass(frozen=True)
class _Inference:
    """The inference of the cells of one timeframe and horizon, under way in pieces."""

    every: Columns
    own_ids: Ints
    pieces: Sequence[Future[tuple[Ints, Columns]]]

    @classmethod
    def begun(cls, every: Columns, blocks: Blocks, bases: Bases, measures: Measures, pool: Executor) -> "_Inference":
        # Cells of different provenance that have the same calls have the same numbers, so one of them is computed.
        is_own = every["calls_of"] == every["cell_id"]
        cells = {name: values[is_own] for name, values in every.items()}
        # No base windows: any piece will do.
        piece_of_cell = np.array([bases.piece.get(group, 0) for group in groups_of(cells)], dtype=np.int64)

        def infer_piece(number: int) -> tuple[Ints, Columns]:
            mine = np.flatnonzero(piece_of_cell == number)
            own = {name: values[mine] for name, values in cells.items()}
            return mine, _inferred(own, blocks.of_cells(own["cell_id"]), bases.make[number](), bases.horizon, measures)

        pieces = [pool.submit(infer_piece, number) for number in range(len(bases.make))]
        return cls(every, cells["cell_id"], pieces)

    def finish(self) -> Columns:
        """Wait for the pieces and put them together, a row for every cell."""
        parts = [piece.result() for piece in self.pieces]
        order = np.argsort(np.concatenate([mine for mine, _ in parts]))
        found = {name: np.concatenate([part[name] for _, part in parts])[order] for name in parts[0][1]}
        place = np.searchsorted(self.own_ids, self.every["calls_of"])
        return {"cell_id": self.every["cell_id"], **{name: values[place] for name, values in found.items()}}


def _inferred(cells: Columns, blocks: Blocks, base: Base, horizon: int, measures: Measures) -> Columns:
    """The inferred measures of cells that each have calls of their own."""
    found, intervals = infer_cells(
        cells, blocks, base, horizon, {contrast.name: contrast.per for contrast in measures.contrasts}
    )

    def column(name: str, statistic: str, of: str) -> Floats | Ints:
        return np.asarray(found[name] if statistic == "inferred" else getattr(intervals[of], statistic))

    return {one.name: column(one.name, one.statistic, one.of) for one in measures.inferred}


def _nothing(measures: Measures) -> Columns:
    """The columns of an inference from no cells."""
    kinds = {"n_clusters": np.int64, "is_reportable": np.bool_}
    columns: Columns = {"cell_id": np.empty(0, np.int64)}
    return columns | {one.name: np.empty(0, kinds.get(one.name, np.float64)) for one in measures.inferred}
