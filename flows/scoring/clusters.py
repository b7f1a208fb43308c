"""The calls of every cell in blocks of time, and the variance of means over calls that overlap and move together."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.scoring.base import Blocks, Floats, Ints, Series

# The base's part of u for a range of blocks of each cell: (cells, first blocks, last blocks) -> u.
OfBase = Callable[[Ints, Ints, Ints], Floats]


@dataclass(frozen=True)
class CallBlocks:
    """Sums over the calls of a cell in a block; sorted by cell and block, one row for each that holds calls."""

    cell: Ints
    block: Ints
    n_calls: Ints
    n_bullish: Ints
    n_hits: Ints
    n_matched: Ints
    selection: Floats
    excess: Floats

    @classmethod
    def gathered(cls, cell: Ints, block: Ints, **parts: NDArray[Any]) -> "CallBlocks":
        """Sums over rows of the same cell and block, which follow each other; `parts` are named as the fields."""
        starts = np.flatnonzero(np.r_[True, (np.diff(cell) != 0) | (np.diff(block) != 0)][: len(cell)])
        if len(starts) == len(cell):
            return cls(cell, block, **parts)
        sums = {name: np.add.reduceat(values, starts) for name, values in parts.items()}
        return cls(cell[starts], block[starts], **sums)

    @cached_property
    def doubled(self) -> "CallBlocks":
        """The same calls in blocks twice as wide."""
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        return CallBlocks.gathered(**parts | {"block": self.block // 2})

    def of(self, is_taken: NDArray[np.bool_]) -> "CallBlocks":
        """Only the rows taken."""
        if is_taken.all():
            return self
        return CallBlocks(*(getattr(self, field.name)[is_taken] for field in fields(self)))

    def of_cells(self, cells: Ints) -> "CallBlocks":
        """Only the blocks of the cells named, in ascending order; cells are numbered anew by their place among them."""
        if not len(cells):
            return self.of(np.zeros(len(self.cell), dtype=np.bool_))
        start, end = np.searchsorted(self.cell, [cells[0], cells[-1] + 1])
        near = CallBlocks(*(getattr(self, field.name)[start:end] for field in fields(self)))
        place = np.searchsorted(cells, near.cell)
        mine = near.of(cells[place] == near.cell)
        return replace(mine, cell=np.searchsorted(cells, mine.cell))


def count_blocks(blocks: CallBlocks, n_cells: int) -> Ints:
    """Blocks that hold calls, per cell."""
    return np.bincount(blocks.cell, minlength=n_cells)


def mean_variance(narrow: CallBlocks, total: str, size: str, n_cells: int) -> tuple[Floats, Ints]:
    """V(x) of the contract, and B2, per cell.

    `narrow` are the calls in blocks of one horizon's width; `total` and `size` name the block's sum of x and how many
    calls went into it. Blocks into whose sum no call went would count: they are to be left out. NaN below two wide
    blocks.
    """
    wide = narrow.doubled
    n = np.bincount(narrow.cell, getattr(narrow, size), n_cells)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(narrow.cell, getattr(narrow, total), n_cells) / n
        u1 = getattr(narrow, total) - getattr(narrow, size) * mean[narrow.cell]
        u2 = getattr(wide, total) - getattr(wide, size) * mean[wide.cell]
        squares1 = _per_cell(narrow.cell, u1**2, n_cells) + 2 * _neighbour_products(narrow, u1, n_cells)
        squares2 = _per_cell(wide.cell, u2**2, n_cells)
        return _larger(squares1 / n**2, squares2 / n**2, narrow, wide, n_cells)


def edge_variance(
    narrow: CallBlocks, series: Series, width: int, cells: "EdgeCells", n_cells: int
) -> tuple[Floats, Ints]:
    """V of the linearised edge, and B2, per cell: calls less what their base rates owe to the same moments.

    `width` is the width of a narrow block in grid steps of `series`. The u of a block that holds base windows but no
    call is part of the sums; only blocks that hold calls count towards B1 and B2.
    """
    wide = narrow.doubled
    squares1 = _edge_squares(narrow, series, width, cells, n_cells, has_neighbours=True)
    squares2 = _edge_squares(wide, series, 2 * width, cells, n_cells, has_neighbours=False)
    return _larger(squares1, squares2, narrow, wide, n_cells)


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


def _edge_squares(
    calls: CallBlocks, series: Series, width: int, cells: EdgeCells, n_cells: int, *, has_neighbours: bool
) -> Floats:
    """Sum of u_b^2 over all blocks of each cell's span, with twice the products of neighbours where asked."""
    at = calls.cell
    bearish = calls.n_calls - calls.n_bullish
    with np.errstate(invalid="ignore", divide="ignore"):
        told = (
            calls.n_hits
            - calls.n_bullish * cells.base_long[at]
            - bearish * cells.base_short[at]
            - calls.n_calls * cells.edge[at]
        ) / cells.n[at]

    def of_base(cell: Ints, low: Ints, high: Ints) -> Floats:
        """The base's part of u for the blocks low..high of a cell, only as far as they lie in the cell's span."""
        first = np.maximum(low * width, cells.first[cell])
        last = np.minimum((high + 1) * width - 1, cells.last[cell])
        return np.asarray((cells.weights[:, cell] * series.sums(cells.group[cell], first, last)).sum(axis=0))

    at_calls = of_base(at, calls.block, calls.block)
    squares = _per_cell(at, told**2 - 2 * told * at_calls, n_cells)
    squares += _base_products(series.blocks(width), width, cells, of_base, has_neighbours=has_neighbours)
    if has_neighbours:
        before_and_after = of_base(at, calls.block - 1, calls.block + 1) - at_calls
        squares += 2 * _neighbour_products(calls, told, n_cells) - 2 * _per_cell(at, told * before_and_after, n_cells)
    return squares


def _base_products(blocks: Blocks, width: int, cells: EdgeCells, of_base: OfBase, *, has_neighbours: bool) -> Floats:
    """The base's own squares, and twice its products of neighbours where asked.

    Blocks inside a span come from prefix sums; the two at its ends count only as far as they lie in it.
    """
    cell = np.arange(len(cells.n))
    first, last = cells.first // width, cells.last // width
    at_first, at_last = of_base(cell, first, first), of_base(cell, last, last)
    squares = blocks.squares(cells.group, first + 1, last - 1, cells.weights)
    squares += at_first**2 + np.where(last > first, at_last**2, 0)
    if not has_neighbours:
        return squares
    products = blocks.neighbours(cells.group, first + 1, last - 1, cells.weights)
    products += np.where(last > first, at_first * of_base(cell, first + 1, first + 1), 0)
    products += np.where(last > first + 1, of_base(cell, last - 1, last - 1) * at_last, 0)
    return squares + 2 * products


def _neighbour_products(blocks: CallBlocks, u: Floats, n_cells: int) -> Floats:
    """Sum of u_b u_{b+1} over blocks that follow each other, per cell."""
    follows = (np.diff(blocks.cell) == 0) & (np.diff(blocks.block) == 1)
    return _per_cell(blocks.cell[1:][follows], u[:-1][follows] * u[1:][follows], n_cells)


def _per_cell(cell: Ints, values: Floats, n_cells: int) -> Floats:
    """Sums by cell, in order: the same sums in every run."""
    return np.bincount(cell, values, n_cells).astype(np.float64)


def _larger(
    squares1: Floats, squares2: Floats, narrow: CallBlocks, wide: CallBlocks, n_cells: int
) -> tuple[Floats, Ints]:
    """The larger of V1 and V2, each with its correction for few blocks."""
    b1, b2 = count_blocks(narrow, n_cells), count_blocks(wide, n_cells)
    with np.errstate(invalid="ignore", divide="ignore"):
        v1, v2 = squares1 * b1 / (b1 - 1), squares2 * b2 / (b2 - 1)
    return np.where(b2 >= 2, np.fmax(v1, v2), np.nan), b2
