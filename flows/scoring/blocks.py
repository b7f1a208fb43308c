"""Sums by block of time, for many cells, and the variance of means over things that overlap and move together."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.scoring.series import Floats, Ints, Series


@dataclass(frozen=True)
class Blocks:
    """Sums over what a cell holds in a block of time; sorted by cell and block, one row for each that holds anything.

    `sums` are named columns of one length with `cell` and `block`; what they count is the caller's business.
    """

    cell: Ints
    block: Ints
    sums: dict[str, NDArray[Any]]

    @classmethod
    def gathered(cls, cell: Ints, block: Ints, part: Ints, **sums: NDArray[Any]) -> "Blocks":
        """Sums over the parts of each cell and block, which come in no order.

        Sums of fractions are the same in every run because they are taken in the order of the parts' numbers.
        """
        if not len(cell):
            return cls(cell, block, sums)
        # Sorted by one number made of all three columns: sorting by several columns takes several times as long.
        first, n_parts = block.min(), part.max() + 1
        order = np.argsort((cell * (block.max() + 1 - first) + block - first) * n_parts + part)
        cell, block = cell[order], block[order]
        starts = np.flatnonzero(np.r_[True, (np.diff(cell) != 0) | (np.diff(block) != 0)])
        added = {name: np.add.reduceat(values[order], starts) for name, values in sums.items()}
        return cls(cell[starts], block[starts], added)

    @cached_property
    def wide(self) -> Ints:
        """The first row of each wide block, which is an even block together with the odd one after it."""
        is_start = (np.diff(self.cell) != 0) | (np.diff(self.block // 2) != 0)
        return np.flatnonzero(np.r_[True, is_start][: len(self.cell)])

    @cached_property
    def follows(self) -> Ints:
        """The rows whose block comes right after that of the row before, of the same cell."""
        return np.flatnonzero((np.diff(self.cell) == 0) & (np.diff(self.block) == 1)) + 1

    def of(self, is_taken: NDArray[np.bool_]) -> "Blocks":
        """Only the rows that `is_taken` marks."""
        return self if is_taken.all() else self._at(is_taken)

    def of_cells(self, cells: Ints) -> "Blocks":
        """Only the blocks of the cells named, in ascending order; cells are numbered anew by their place among them."""
        if not len(cells):
            return self.of(np.zeros(len(self.cell), dtype=np.bool_))
        near = self._at(slice(*np.searchsorted(self.cell, [cells[0], cells[-1] + 1])))
        place = np.searchsorted(cells, near.cell)
        mine = near.of(cells[place] == near.cell)
        return Blocks(np.searchsorted(cells, mine.cell), mine.block, mine.sums)

    def _at(self, rows: NDArray[np.bool_] | slice) -> "Blocks":
        return Blocks(self.cell[rows], self.block[rows], {name: values[rows] for name, values in self.sums.items()})


def count_wide_blocks(narrow: Blocks, n_cells: int) -> Ints:
    """B2 of the contract, per cell: how many blocks of two horizons' width contain any call."""
    return np.bincount(narrow.cell[narrow.wide], minlength=n_cells)


def mean_variance(narrow: Blocks, total: str, size: str, n_cells: int) -> tuple[Floats, Ints]:
    """V(x) of the contract, and B2, per cell.

    `narrow` are blocks of one horizon's width; `total` and `size` name the block's sum of x and how many values went
    into it. Callers leave out blocks without a value, because these would count as blocks. NaN below two wide blocks.
    """
    n = np.bincount(narrow.cell, narrow.sums[size], n_cells)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(narrow.cell, narrow.sums[total], n_cells) / n
        u1 = narrow.sums[total] - narrow.sums[size] * mean[narrow.cell]
        u2 = np.add.reduceat(u1, narrow.wide)
        squares1 = _per_cell(narrow.cell, u1**2, n_cells) + 2 * _neighbour_products(narrow, u1, n_cells)
        squares2 = _per_cell(narrow.cell[narrow.wide], u2**2, n_cells)
        return _larger(squares1 / n**2, squares2 / n**2, narrow, n_cells)


def edge_variance(narrow: Blocks, series: Series, width: int, cells: "EdgeCells", n_cells: int) -> tuple[Floats, Ints]:
    """V of the linearised edge, and B2, per cell.

    The edge is the difference of a cell's hit rate and its base rate. Both vary with the same moments, so the u of a
    block is what its calls add to the edge minus what its base windows add.

    `narrow` holds `n_calls`, `n_bullish` and `n_hits`; `width` is the width of its blocks in grid steps of `series`.
    The u of a block that holds base windows but no call is part of the sums; only blocks that hold calls count towards
    B1 and B2. Calls lie between the first and the last step of their cell; cells of one group are best given one after
    another.
    """
    of_calls = _of_calls(narrow, cells)
    squares1, squares2 = np.zeros(n_cells), np.zeros(n_cells)
    starts = np.flatnonzero(np.r_[True, np.diff(cells.group) != 0][:n_cells])
    for start, end in pairwise([*starts.tolist(), n_cells]):
        u1 = _every_block(narrow, of_calls, series, width, cells, slice(start, end))
        u2 = u1[:, ::2] + u1[:, 1::2]
        squares1[start:end] = (u1**2).sum(axis=1) + 2 * (u1[:, :-1] * u1[:, 1:]).sum(axis=1)
        squares2[start:end] = (u2**2).sum(axis=1)
    return _larger(squares1, squares2, narrow, n_cells)


@dataclass(frozen=True)
class EdgeCells:
    """Per cell: its group in the base series, the grid steps of its first and last scored call, and its rates.

    `weights` has shape (3, n): what a long hit, a short hit and a window of the base add to u (with a minus sign).
    """

    group: Ints
    first: Ints
    last: Ints
    n: Ints
    edge: Floats
    base_long: Floats
    base_short: Floats
    weights: Floats


def _of_calls(calls: Blocks, cells: EdgeCells) -> Floats:
    """What the calls of each block add to its u."""
    at = calls.cell
    n_calls, n_bullish, n_hits = (calls.sums[name] for name in ("n_calls", "n_bullish", "n_hits"))
    with np.errstate(invalid="ignore", divide="ignore"):
        hits_beyond_base = (
            n_hits
            - n_bullish * cells.base_long[at]
            - (n_calls - n_bullish) * cells.base_short[at]
            - n_calls * cells.edge[at]
        )
        return np.asarray(hits_beyond_base / cells.n[at])


def _every_block(
    calls: Blocks, of_calls: Floats, series: Series, width: int, cells: EdgeCells, one_group: slice
) -> Floats:
    """u of the cells of one group, shape (cells, blocks), from an even block to an odd one; 0 outside their spans."""
    group, first, last = (values[one_group] for values in (cells.group, cells.first, cells.last))
    weights = cells.weights[:, one_group]
    first_block, last_block = first // width, last // width
    blocks = np.arange(first_block.min() // 2 * 2, last_block.max() // 2 * 2 + 2)

    whole = series.sums(np.full(len(blocks), group[0]), blocks * width, (blocks + 1) * width - 1)
    u = -_weighted(weights[:, :, None], whole[:, None, :])
    u *= (blocks > first_block[:, None]) & (blocks < last_block[:, None])
    # The blocks at the ends of a span hold base windows only as far as they lie in it.
    cell = np.arange(len(group))
    last_start = np.maximum(first, last_block * width)
    first_end = np.minimum((first_block + 1) * width - 1, last)
    u[cell, last_block - blocks[0]] = -_weighted(weights, series.sums(group, last_start, last))
    u[cell, first_block - blocks[0]] = -_weighted(weights, series.sums(group, first, first_end))

    mine = slice(*np.searchsorted(calls.cell, [one_group.start, one_group.stop]))
    u[calls.cell[mine] - one_group.start, calls.block[mine] - blocks[0]] += of_calls[mine]
    return u


def _weighted(weights: Floats, counts: Ints) -> Floats:
    """Weighted sum of the three counts, written out because a matrix product may add them in another order."""
    return np.asarray(weights[0] * counts[0] + weights[1] * counts[1] + weights[2] * counts[2])


def _neighbour_products(blocks: Blocks, u: Floats, n_cells: int) -> Floats:
    """Sum of u_b u_{b+1} over blocks that follow each other, per cell."""
    return _per_cell(blocks.cell[blocks.follows], u[blocks.follows - 1] * u[blocks.follows], n_cells)


def _per_cell(cell: Ints, values: Floats, n_cells: int) -> Floats:
    """Sums by cell, in order: the same sums in every run."""
    return np.bincount(cell, values, n_cells).astype(np.float64)


def _larger(squares1: Floats, squares2: Floats, narrow: Blocks, n_cells: int) -> tuple[Floats, Ints]:
    """The larger of V1 and V2, each with its correction for few blocks."""
    b1, b2 = np.bincount(narrow.cell, minlength=n_cells), count_wide_blocks(narrow, n_cells)
    with np.errstate(invalid="ignore", divide="ignore"):
        v1, v2 = squares1 * b1 / (b1 - 1), squares2 * b2 / (b2 - 1)
    return np.where(b2 >= 2, np.fmax(v1, v2), np.nan), b2
