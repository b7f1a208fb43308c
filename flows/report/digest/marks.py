"""Marks: the signs ▲ and ▼ of cells that are beyond chance after the correction for multiple tests."""

from collections.abc import Iterable

from flows.report.digest.formats import HOLD, MARKS
from flows.report.digest.model import Cell, Track


def marks_in_words(track: Track, cell: Cell) -> str:
    """The marks of a cell in words.

    A row of both sides names the marked side, `▲ bullish`; a row of one side names the measure, `▲ edge, selection`.
    """
    words = []
    for leaf in _leaves(track, cell):
        for side, sign in MARKS.items():
            kinds = marked_by(leaf, side)
            if kinds:
                words.append(f"{sign}{HOLD}{', '.join(kinds) if leaf is cell else leaf.direction}")
    return "; ".join(words)


def marked_by(leaf: Cell, side: str) -> list[str]:
    """The measures by which a one-sided cell has this mark: edge, selection, both or none."""
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
