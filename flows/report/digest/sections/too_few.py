"""Cells with too few calls: when they will be reportable, and the smallest edge they could detect now."""

from flows.report.digest.document import Chart, Column, Row, Section, Table, Text, Writer
from flows.report.digest.model import Cell
from flows.report.digest.parts import cut, lacks_only_time, name_of
from flows.scoring.inference import MIN_CLUSTERS
from flows.timeframes import TIMEFRAMES

WHAT_IS_ENOUGH = (
    "These cells show no rate yet. A cell is enough with 30 independent calls in 10 separate stretches of time, each "
    "twice as long as a call is held: long horizons lack time rather than calls. The smallest edge is what a test "
    "would find four times in five."
)


def too_few_section(writer: Writer) -> Section:
    """The cells without a rate: what they lack, and when they are expected to be reportable."""
    parts: list[Text | Table | Chart] = []
    for number, track in enumerate(writer.digest.tracks):
        waiting = [
            (place, cell)
            for place, cell in enumerate(track.cells)
            if cell.direction == "both" and cell.n_calls and not cell.is_reportable
        ]
        if not waiting:
            continue
        if not parts:
            parts.append((WHAT_IS_ENOUGH,))
        rows = []
        for place, cell in waiting:
            templates = [
                "{.sector|text}",
                f"{{.horizon|count}} {TIMEFRAMES[track.timeframe].unit}",
                "{.n_calls|count}",
                "{.n_effective|count}",
                "{.n_clusters|count}",
                _lacking(cell),
                "{.enough_date|month}",
                "{.smallest_edge|size}",
            ]
            at = f"tracks.{number}.cells.{place}"
            rows.append(
                Row(
                    tuple(writer.text(template, at) for template in templates),
                    {"sector": cell.sector, "horizon": str(cell.horizon)},
                    cell.sector == "all",
                )
            )
        parts += cut(
            Table(
                f"too-few-{number}",
                f"Too few calls yet, {name_of(writer.digest, track)}",
                (
                    Column("sector"),
                    Column("held", True),
                    Column("calls", True),
                    Column("worth", True),
                    Column("stretches", True),
                    Column("lacks"),
                    Column("enough around", True),
                    Column("smallest edge now", True),
                ),
                tuple(rows),
                is_filtered=True,
            )
        )
    return Section("too-few", "Cells that are too few", tuple(parts))


def _lacking(cell: Cell) -> str:
    if lacks_only_time(cell):
        return "time"
    return "calls" if cell.n_clusters >= MIN_CLUSTERS else "calls and time"
