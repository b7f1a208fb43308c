"""Marks: which cells are still beyond chance after the correction, as pictures and tables show them."""

from flows.report.digest.formats import HOLD, MARKS
from flows.report.digest.model import Cell, Track


def marks_told(track: Track, cell: Cell, *, is_short: bool = False) -> str:
    """The marks of a cell in words, `▲ bullish (edge, selection)`, or short, `▲ bullish`.

    A cell of both directions shows those of its two.
    """
    told = []
    for leaf in _leaves(track, cell):
        for side, sign in MARKS.items():
            kinds = [
                kind for kind, mark in (("edge", leaf.edge_mark), ("selection", leaf.selection_mark)) if mark == side
            ]
            if kinds:
                told.append(f"{sign}{HOLD}{leaf.direction}" + ("" if is_short else f" ({', '.join(kinds)})"))
    return "; ".join(told)


def signs(track: Track, cell: Cell) -> str:
    """The marks of a cell as signs alone: `▲`, `▼`, both or none."""
    told = marks_told(track, cell)
    return "".join(sign for sign in MARKS.values() if sign in told)


def _leaves(track: Track, cell: Cell) -> list[Cell]:
    return [
        leaf
        for leaf in track.cells
        if (leaf.sector, leaf.horizon) == (cell.sector, cell.horizon)
        and leaf.direction in ("bullish", "bearish")
        and cell.direction in ("both", leaf.direction)
    ]
