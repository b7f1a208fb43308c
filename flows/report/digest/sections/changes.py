"""What changed since last week: new calls, grades, sectors, cells that moved, restatements, gaps."""

from flows.report.digest.document import Chart, Column, Row, Section, Table, Text, Writer
from flows.report.digest.model import SectorCurves, Track
from flows.report.digest.parts import WIDE, cut, is_shared, left_out, name_of, token_template, track_template
from flows.report.digest.sentences import place_of_all


def changes_section(writer: Writer) -> Section:
    """New calls, grades, sectors, moved cells, restatements and gaps since the last digest."""
    digest = writer.digest
    parts: list[Text | Table | Chart] = []
    for number, track in enumerate(digest.tracks):
        late = "; {.n_learned_late|count} more, about earlier weeks, became known" if track.n_learned_late else ""
        unscored = (
            ", {.n_new_unscored|count} on tokens that are never scored (stablecoins, wrapped or leveraged ones)"
            if track.n_new_unscored
            else ""
        )
        parts.append(
            writer.text(
                f"{track_template(digest, number, is_first=True)}: {{.n_new_calls|count}} new calls "
                f"({{.n_new_long|count}} long, {{.n_new_short|count}} short), {{.n_flips|count}} of them flips from "
                f"one side to the other{unscored}{late}.",
                f"tracks.{number}",
            )
        )
    for number, track in enumerate(digest.tracks):
        if track.timeframe == "1d" and track.new_calls:
            parts += cut(_new_calls(writer, number, track))
    parts += _grades(writer)
    parts += _sectors_moved(writer)
    parts += _moved(writer)
    if digest.changes.restated:
        parts += _restated(writer)
    else:
        parts.append(("No value was restated.",))
    if digest.quality.n_missing:
        parts.append(writer.text("Gaps: {quality.n_missing|count} token-days without a price, see data quality."))
    elif digest.quality.missing:
        parts.append(("Gaps: whole days are missing, see data quality.",))
    else:
        parts.append(("No gaps: every day of the week is there.",))
    parts += left_out(writer, "changes")
    return Section("changes", "What changed since last week", tuple(parts))


def _restated(writer: Writer) -> tuple[Text | Table | Chart, ...]:
    """The values that were restated; of several vendors, each row with its own."""
    changes = writer.digest.changes
    columns, templates = _of_vendor(
        writer,
        (Column("dataset"), Column("field"), Column("values", True), Column("tokens", True)),
        ("{.dataset|text}", "{.field|text}", "{.n_changes|count}", "{.n_tokens|count}"),
    )
    rows = writer.rows((f"changes.restated.{number}" for number in range(len(changes.restated))), templates)
    table = Table("restated", "Restated by the vendor", columns, rows)
    if changes.n_restated_of == len(changes.restated):
        return cut(table) if is_shared(writer.digest) else (table,)
    more = writer.text(
        "Restated: the {changes.restated|len} largest of {changes.n_restated_of|count} kinds are listed; all of them "
        "are in marts.restatement of the published file."
    )
    return (more, *cut(table))


def _of_vendor(
    writer: Writer, columns: tuple[Column, ...], templates: tuple[str, ...]
) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """Columns and templates, with the vendor's name after the first where there are several."""
    if not is_shared(writer.digest):
        return columns, templates
    return (columns[0], Column("vendor"), *columns[1:]), (templates[0], "{.vendor|text}", *templates[1:])


def _new_calls(writer: Writer, number: int, track: Track) -> Table:
    rows = tuple(
        writer.row(
            f"tracks.{number}.new_calls.{place}",
            (
                token_template(writer.digest, call.symbol),
                "{.sector|text}",
                "{.direction|side}",
                "{.side_before|side}",
                "{.signal_at|moment}",
                "{.provenance|text}" + ("" if call.is_scored else ", never scored"),
            ),
            sector=call.sector,
        )
        for place, call in enumerate(track.new_calls)
    )
    return Table(
        f"new-calls-{number}",
        f"New calls, {name_of(writer.digest, track)}",
        (
            Column("token"),
            Column("sector"),
            Column("call"),
            Column("before"),
            Column("signal of"),
            Column("provenance"),
        ),
        rows,
    )


def _grades(writer: Writer) -> list[Text | Table | Chart]:
    changes = writer.digest.changes
    if not changes.grade_changes:
        return []
    columns, templates = _of_vendor(
        writer,
        (
            Column("token"),
            Column("grade"),
            Column("before", True),
            Column("now", True),
            Column("label before"),
            Column("label now"),
        ),
        ("", "{.kind|text}", "{.before|grade}", "{.after|grade}", "{.label_before|text}", "{.label_after|text}"),
    )
    rows = tuple(
        writer.row(f"changes.grade_changes.{place}", (token_template(writer.digest, one.symbol), *templates[1:]))
        for place, one in enumerate(changes.grade_changes)
    )
    return [
        writer.text(
            "Grades: {changes.n_upgrades|count} upgrades and {changes.n_downgrades|count} downgrades (10 points or "
            "more, or another label)."
        ),
        *cut(Table("grades", "Largest changes of grade", columns, rows)),
    ]


def _sectors_moved(writer: Writer) -> list[Text | Table | Chart]:
    parts: list[Text | Table | Chart] = []
    for number, track in enumerate(writer.digest.tracks):
        if track.timeframe != "1d" or not track.curves:
            continue
        if (market := _two_averages(writer, number)) is not None:
            parts.append(market)
        order = sorted(range(len(track.curves)), key=lambda place: _week_return(track.curves[place]), reverse=True)
        places = [f"tracks.{number}.curves.{place}" for place in order]
        rows = writer.rows(
            places, ("{.sector|text}", "{.equal_weight.week_return|change}", "{.signal.week_return|change}")
        )
        parts.append(
            Table(
                f"sectors-{number}",
                f"Sectors this week, {name_of(writer.digest, track)}",
                (
                    Column("sector"),
                    Column("equal weight", True, "Every covered token in equal parts."),
                    Column("following the calls", True, "The vendor's stance, costs included."),
                ),
                tuple(
                    Row(row.cells, {"sector": track.curves[place].sector}, track.curves[place].sector == "all")
                    for row, place in zip(rows, order, strict=True)
                ),
                forms=WIDE,
            )
        )
    return parts


def _two_averages(writer: Writer, number: int) -> Text | None:
    """Explains why the equal weight of sectors and the market in the opening sentences are different figures."""
    place = place_of_all(writer.digest, number)
    if place is None or writer.digest.regime is None:
        return None
    who = f"{{tracks.{number}.vendor|text}}" if is_shared(writer.digest) else "the vendor"
    return writer.text(
        f"Two averages: equal weight is of the {{.n_tokens|count}} tokens that {who} covers "
        "({.equal_weight.week_return|change} in the week), the market is of all {regime.n_tokens|count} scored tokens, "
        "covered or not ({regime.week_return|change}).",
        place,
    )


def _week_return(curves: SectorCurves) -> float:
    return curves.equal_weight.week_return or 0.0


def _moved(writer: Writer) -> list[Text | Table | Chart]:
    moved = writer.digest.changes.moved
    if not moved:
        return [("No hit rate left last week's interval.",)] if writer.digest.changes.has_last_week else []
    columns, templates = _of_vendor(
        writer,
        (Column("sector"), Column("timeframe"), Column("held", True), Column("what")),
        ("{.sector|text}", "{.timeframe|text}", "{.horizon|count}", "{.what|text}"),
    )
    rows = writer.rows((f"changes.moved.{number}" for number in range(len(moved))), templates)
    return [Table("moved", "Cells that read otherwise than a week ago", columns, rows)]
