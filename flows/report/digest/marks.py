"""Marks: which cells are still beyond chance after the correction, as pictures and tables show them."""

from collections.abc import Iterable

from flows.report.digest.document import difference
from flows.report.digest.formats import HOLD, MARKS
from flows.report.digest.model import Cell, Track


def marks_told(track: Track, number: int, cell: Cell) -> str:
    """The marks of a cell as a template, each with the figures that earned it: `▲ bullish: edge +9.1 (…), n = 240`.

    A cell of both directions shows the marks of its two, whose figures are not its own; a cell of one shows `▲ edge`,
    as its figures stand beside it. Empty without a mark.
    """
    told = []
    for place, leaf in _leaves(track, cell):
        at = f"tracks.{number}.cells.{place}"
        for side, sign in MARKS.items():
            kinds = [
                kind for kind, mark in (("edge", leaf.edge_mark), ("selection", leaf.selection_mark)) if mark == side
            ]
            if kinds and leaf is cell:
                told.append(f"{sign}{HOLD}{', '.join(kinds)}")
            elif kinds:
                figures = ", ".join(f"{kind} {difference(f'{at}.{kind}')}" for kind in kinds)
                told.append(f"{sign}{HOLD}{leaf.direction}: {figures}, n{HOLD}={HOLD}{{{at}.n_calls|count}}")
    return "; ".join(told)


def signs(track: Track, cell: Cell) -> str:
    """The marks of a cell as signs alone: `▲`, `▼`, both or none."""
    marks = {mark for _, leaf in _leaves(track, cell) for mark in (leaf.edge_mark, leaf.selection_mark)}
    return "".join(sign for side, sign in MARKS.items() if side in marks)


def _leaves(track: Track, cell: Cell) -> Iterable[tuple[int, Cell]]:
    for place, leaf in enumerate(track.cells):
        if (
            (leaf.sector, leaf.horizon) == (cell.sector, cell.horizon)
            and leaf.direction in ("bullish", "bearish")
            and cell.direction in ("both", leaf.direction)
        ):
            yield place, leaf
