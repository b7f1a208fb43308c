"""Marks: which cells are still beyond chance after the correction, as pictures and tables show them."""

from collections.abc import Iterable

from flows.report.digest.formats import HOLD, MARKS
from flows.report.digest.model import Cell, Track


def marks_told(track: Track, cell: Cell) -> str:
    """The marks of a cell in words: `▲ bullish` in a row of both sides, whose figures are not the mark's own.

    A cell of one side shows `▲ edge, selection`: its own figures stand beside it.
    """
    told = []
    for leaf in _leaves(track, cell):
        for side, sign in MARKS.items():
            kinds = marked_by(leaf, side)
            if kinds:
                told.append(f"{sign}{HOLD}{', '.join(kinds) if leaf is cell else leaf.direction}")
    return "; ".join(told)


def marked_by(leaf: Cell, side: str) -> list[str]:
    """By which measures a cell of one side is marked so: edge, selection, both or none."""
    return [kind for kind, mark in (("edge", leaf.edge_mark), ("selection", leaf.selection_mark)) if mark == side]


def signs(track: Track, cell: Cell) -> str:
    """The marks of a cell as signs alone: `▲`, `▼`, both or none."""
    return "".join(sign for side, sign in MARKS.items() if any(marked_by(leaf, side) for leaf in _leaves(track, cell)))


def _leaves(track: Track, cell: Cell) -> Iterable[Cell]:
    return (
        leaf
        for leaf in track.cells
        if (leaf.sector, leaf.horizon) == (cell.sector, cell.horizon)
        and leaf.direction in ("bullish", "bearish")
        and cell.direction in ("both", leaf.direction)
    )
