"""Drawdowns of calls and of equity curves, and the section for levels."""

from flows.report.digest.charts import curves_chart
from flows.report.digest.document import Chart, Column, Row, Section, Table, Text, Writer
from flows.report.digest.model import Track
from flows.report.digest.parts import WIDE, left_out, name_of, token_template
from flows.report.digest.sentences import bars


def drawdowns_section(writer: Writer) -> Section:
    """Drawdowns of calls during their windows, and the equity of following them."""
    parts: list[Text | Table | Chart] = []
    for number, track in enumerate(writer.digest.tracks):
        chart = curves_chart(writer.digest, track, number)
        if chart:
            parts.append(chart)
        if track.drawdowns:
            parts.append(_call_drawdowns(writer, number, track))
        if track.curves:
            parts.append(_curves(writer, number, track))
    parts += left_out(writer, "drawdowns")
    return Section("drawdowns", "Drawdowns", tuple(parts))


def _call_drawdowns(writer: Writer, number: int, track: Track) -> Table:
    rows = tuple(
        writer.row(
            f"tracks.{number}.drawdowns.{place}",
            (
                "{.sector|text}",
                "{.n_calls|count}",
                "{.median|change}",
                "{.p95|change}",
                "{.worst|change}",
                token_template(writer.digest, one.worst_symbol, "worst_")
                + " {.worst_direction|side}, {.worst_entry_at|day} to {.worst_exit_at|day}",
            ),
        )
        for place, one in enumerate(track.drawdowns)
    )
    return Table(
        f"drawdowns-{number}",
        f"While a call was held, {name_of(writer.digest, track)}, {bars(track.main_horizon, track.timeframe)}",
        (
            Column("sector"),
            Column("calls", True),
            Column("median", True),
            Column("95th percentile", True, "One call in twenty went deeper. Told from 20 calls on."),
            Column("worst", True, "A short can lose more than its stake."),
            Column("which"),
        ),
        tuple(
            Row(row.cells, {"sector": one.sector}, one.sector == "all")
            for row, one in zip(rows, track.drawdowns, strict=True)
        ),
    )


def _curves(writer: Writer, number: int, track: Track) -> Table:
    policies = ("signal", "equal_weight", "hold")
    templates = ["{.sector|text}"]
    for policy in policies:
        templates += [
            f"{{.{policy}.equity|factor}}",
            f"{{.{policy}.drawdown|change}}",
            f"{{.{policy}.max_drawdown|change}} ({{.{policy}.trough_at|day}})",
        ]
    rows = writer.rows((f"tracks.{number}.curves.{place}" for place in range(len(track.curves))), templates)
    return Table(
        f"curves-{number}",
        f"Sector equity, {name_of(writer.digest, track)}: what became of a stake of one, and how far it is under "
        "water, below its highest point, now and at worst",
        (
            Column("sector"),
            Column("calls, stake became", True, "Following the vendor's stance, costs included."),
            Column("calls now", True),
            Column("calls worst", True),
            Column("equal weight, stake became", True, "Every covered token in equal parts, no costs."),
            Column("equal weight now", True),
            Column("equal weight worst", True),
            Column("hold, stake became", True, "Bought once and kept, no costs."),
            Column("hold now", True),
            Column("hold worst", True),
        ),
        tuple(
            Row(row.cells, {"sector": one.sector}, one.sector == "all")
            for row, one in zip(rows, track.curves, strict=True)
        ),
        forms=WIDE,
    )


def levels_section(writer: Writer) -> Section:
    """The section for touch, hold and break rates beside placebo levels; empty until a level scorecard is published."""
    return Section("levels", "Levels", tuple(left_out(writer, "levels")))
