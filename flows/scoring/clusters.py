"""The calls of every cell in blocks of time, and the variance of means over calls that overlap and move together."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flows.scoring.base import Blocks, Floats, Ints, Series

# The base's part of u for a block of a cell: (cells, blocks) -> u.
OfBase = Callable[[Ints, Ints], Floats]


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

    def doubled(self) -> "CallBlocks":
        """The same calls in blocks twice as wide."""
        wide = self.block // 2
        starts = np.flatnonzero(np.r_[True, (np.diff(self.cell) != 0) | (np.diff(wide) != 0)]) if len(wide) else wide
        summed = [
            np.add.reduceat(values, starts) if len(starts) else values
            for values in (
                self.n_calls,
                self.n_bullish,
                self.n_hits,
                self.n_matched,
                self.selection,
                self.excess,
            )
        ]
        return CallBlocks(self.cell[starts], wide[starts], *summed)

    def of(self, is_taken: NDArray[np.bool_]) -> "CallBlocks":
        """Only the rows taken."""
        return CallBlocks(*(values[is_taken] for values in vars(self).values()))


def count_blocks(blocks: CallBlocks, n_cells: int) -> Ints:
    """Blocks that hold calls, per cell."""
    return np.bincount(blocks.cell, minlength=n_cells)


def mean_variance(narrow: CallBlocks, total: str, size: str, n_cells: int) -> tuple[Floats, Ints]:
    """V(x) of the contract, and B2, per cell.

    `narrow` are the calls in blocks of one horizon's width; `total` and `size` name the block's sum of x and how many
    calls went into it. Blocks without such calls do not count. NaN below two wide blocks.
    """
    narrow = narrow.of(getattr(narrow, size) > 0)
    wide = narrow.doubled()
    n = np.bincount(narrow.cell, getattr(narrow, size), n_cells)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(narrow.cell, getattr(narrow, total), n_cells) / n
        u1 = getattr(narrow, total) - getattr(narrow, size) * mean[narrow.cell]
        u2 = getattr(wide, total) - getattr(wide, size) * mean[wide.cell]
        squares1 = np.bincount(narrow.cell, u1**2, n_cells) + 2 * _neighbour_products(narrow, u1, u1, n_cells)
        squares2 = np.bincount(wide.cell, u2**2, n_cells)
        return _larger(squares1 / n**2, squares2 / n**2, narrow, wide, n_cells)


def edge_variance(
    narrow: CallBlocks, series: Series, width: int, cells: "EdgeCells", n_cells: int
) -> tuple[Floats, Ints]:
    """V of the linearised edge, and B2, per cell: calls less what their base rates owe to the same moments.

    `width` is the width of a narrow block in grid steps of `series`. The u of a block that holds base windows but no
    call is part of the sums; only blocks that hold calls count towards B1 and B2.
    """
    wide = narrow.doubled()
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

    def of_base(cell: Ints, block: Ints) -> Floats:
        """The base's part of u for one block of a cell, only as far as it lies in the cell's span."""
        low = np.maximum(block * width, cells.first[cell])
        high = np.minimum((block + 1) * width - 1, cells.last[cell])
        return np.asarray((cells.weights[:, cell] * series.sums(cells.group[cell], low, high)).sum(axis=0))

    blocks = series.blocks(width)
    first_block, last_block = cells.first // width, cells.last // width
    every = np.arange(n_cells)
    base_at_calls = of_base(at, calls.block)
    squares = np.bincount(at, told**2 - 2 * told * base_at_calls, n_cells)
    squares += _base_squares(blocks, cells, of_base, every, first_block, last_block)
    if has_neighbours:
        before, after = of_base(at, calls.block - 1), of_base(at, calls.block + 1)
        products = _neighbour_products(calls, told, told, n_cells) - np.bincount(at, told * (before + after), n_cells)
        products += _base_neighbours(blocks, cells, of_base, every, first_block, last_block)
        squares += 2 * products
    return squares


def _base_squares(
    blocks: Blocks, cells: EdgeCells, of_base: OfBase, every: Ints, first_block: Ints, last_block: Ints
) -> Floats:
    """The base's own squares: blocks inside the span from prefix sums, the two at its ends as far as they lie in it."""
    inner = blocks.squares(cells.group, first_block + 1, last_block - 1, cells.weights)
    ends = of_base(every, first_block) ** 2 + np.where(
        last_block > first_block, of_base(every, last_block) ** 2, 0
    )
    return inner + ends


def _base_neighbours(
    blocks: Blocks, cells: EdgeCells, of_base: OfBase, every: Ints, first_block: Ints, last_block: Ints
) -> Floats:
    """The same for products of neighbours."""
    inner = blocks.neighbours(cells.group, first_block + 1, last_block - 1, cells.weights)
    at_first = np.where(
        last_block > first_block, of_base(every, first_block) * of_base(every, first_block + 1), 0
    )
    at_last = np.where(
        last_block > first_block + 1, of_base(every, last_block - 1) * of_base(every, last_block), 0
    )
    return inner + at_first + at_last


def _neighbour_products(blocks: CallBlocks, a: Floats, b: Floats, n_cells: int) -> Floats:
    """Sum of a_b b_{b+1} over blocks that follow each other, per cell."""
    follows = (np.diff(blocks.cell) == 0) & (np.diff(blocks.block) == 1)
    return np.bincount(blocks.cell[1:][follows], a[:-1][follows] * b[1:][follows], n_cells)


def _larger(
    squares1: Floats, squares2: Floats, narrow: CallBlocks, wide: CallBlocks, n_cells: int
) -> tuple[Floats, Ints]:
    """The larger of V1 and V2, each with its correction for few blocks."""
    b1, b2 = count_blocks(narrow, n_cells), count_blocks(wide, n_cells)
    with np.errstate(invalid="ignore", divide="ignore"):
        v1, v2 = squares1 * b1 / (b1 - 1), squares2 * b2 / (b2 - 1)
    return np.where(b2 >= 2, np.fmax(v1, v2), np.nan), b2
