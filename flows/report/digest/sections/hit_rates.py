"""Hit rates by sector: the main table, all horizons, every cell, and the provenance of the calls."""

from flows.report.digest.charts import rates_chart
from flows.report.digest.document import Chart, Column, Row, Section, Table, Text, Writer, difference, estimate
from flows.report.digest.formats import HOLD, MARKS, NO_VALUE
from flows.report.digest.marks import marked_by, marks_in_words
from flows.report.digest.model import Cell, Digest, Track
from flows.report.digest.parts import (
    MAIL,
    PAGE,
    WIDE,
    cut,
    is_shared,
    lacks_only_time,
    left_out,
    name_of,
    starting,
    track_template,
)
from flows.report.digest.sentences import bars, like_for_like
from flows.timeframes import TIMEFRAMES

LAST_WEEK = Column("last week", True, "The hit rate as it was published a week before.")

SCORE_COLUMNS = (
    Column("sector"),
    Column("calls", True, "Scored calls (n)."),
    Column(
        "worth", True, "How many independent calls they are worth: calls that overlap and move together count less."
    ),
    Column(f"hit rate (95{HOLD}%)", True, "Share of calls that made money after costs, with its 95 % interval."),
    LAST_WEEK,
    Column("base", True, "What any entry in the same tokens and span would have hit."),
    Column(f"edge, points (95{HOLD}%)", True, "Hit rate minus base rate, with its 95 % interval."),
    Column(
        f"selection, points (95{HOLD}%)",
        True,
        "Hits against the sector's other tokens at the same bar: the market cancels.",
    ),
    Column("mark", False, "Of the side it names, whose figures stand in the table of what is beyond chance."),
)


def hit_rates_section(writer: Writer) -> Section:
    """The scorecard: hit rates beside their base rates."""
    digest = writer.digest
    parts: list[Text | Table | Chart] = [*left_out(writer, "hit-rates")]
    if digest.tracks:
        parts.append(
            writer.text(
                "A call hits when it made money after costs. The base is what any entry in the same tokens would have "
                "hit, the edge is the difference, and selection compares with the sector's other tokens at the same "
                "moment. Worth: how many independent calls the n overlapping ones count for, and never more than n. "
                "Where worth is n, nothing had to be taken off: that is common with both sides together, because longs "
                "and shorts open at the same time offset each other, and rare with one side alone."
            )
        )
        parts.append(
            writer.text(
                "▲ and ▼ say better and worse than chance. Tested are a sector's bullish calls and its bearish calls, "
                "each on their own, by edge and by selection: a mark names its side, and the table of what is beyond "
                "chance has that side's figures; a row that names no side is of both together. A mark stands only "
                "where the side is still beyond chance after a correction for {n_tested|count} tests and a year of "
                "weekly looks (q at most {mark_level|level}); without one a sector's difference may well be chance. "
                "The row of all sectors is not among these tests: read its interval."
            )
        )
    for number, track in enumerate(digest.tracks):
        chart = rates_chart(digest, track, number)
        if chart:
            parts.append(chart)
        parts.append(_main_table(writer, number, track))
        parts += _marked(writer, number, track)
        parts.append(_matrix(writer, number, track))
        parts.append(_all_cells(writer, number, track))
        compared = like_for_like(track, number)
        if compared:
            whose = f"{track_template(digest, number)}: " if is_shared(digest) else ""
            parts.append(writer.text(whose + compared))
        parts.append(_provenances(writer, number, track))
    return Section("hit-rates", "Hit rates by sector", tuple(parts))


def _main_table(writer: Writer, number: int, track: Track) -> Table:
    holding = bars(track.main_horizon, track.timeframe)
    return Table(
        f"scores-{number}",
        f"{starting(writer.digest, track)}, held for {holding}, both directions",
        _score_columns(writer.digest),
        tuple(
            _score_row(writer, number, track, place, cell)
            for place, cell in enumerate(track.cells)
            if cell.horizon == track.main_horizon and cell.direction == "both" and cell.n_calls
        ),
        forms=MAIL | {"plain"},
    )


def _marked(writer: Writer, number: int, track: Track) -> tuple[Text | Table | Chart, ...]:
    """The one-sided cells that are beyond chance after the correction, the smallest q first."""
    marked = [
        (place, cell, f"{MARKS[side]}{HOLD}{cell.direction}", marked_by(cell, side))
        for place, cell in enumerate(track.cells)
        for side in MARKS
        if marked_by(cell, side)
    ]
    marked.sort(key=lambda one: min(q for q in (one[1].edge_q, one[1].selection_q) if q is not None))
    every = name_of(writer.digest, track)
    if not marked:
        return ((f"Of the {every} no side of a sector is beyond chance after the correction.",),)
    holding = f"{{.horizon|count}}{HOLD}{TIMEFRAMES[track.timeframe].unit}"
    rows = tuple(
        writer.row(
            f"tracks.{number}.cells.{place}",
            (
                "{.sector|text}",
                holding,
                side,
                "{.n_calls|count}",
                "{.n_effective|count}",
                estimate(".hit_rate"),
                "{.base_rate|percent}",
                difference(".edge") if cell.edge else NO_VALUE,
                difference(".selection") if cell.selection else NO_VALUE,
                ", ".join(kinds),
            ),
            sector=cell.sector,
        )
        for place, cell, side, kinds in marked
    )
    columns = (
        Column("sector"),
        Column("held", True, "Bars that a call was held for."),
        Column("side", False, "▲ better, ▼ worse than chance."),
        *(column for column in SCORE_COLUMNS[1:-1] if column is not LAST_WEEK),
        Column("by", False, "Which of the two, edge or selection, is beyond chance after the correction."),
    )
    return cut(Table(f"marked-{number}", f"Beyond chance after the correction, {every}", columns, rows))


def _all_cells(writer: Writer, number: int, track: Track) -> Table:
    columns = (
        Column("sector"),
        Column("held", True, "Bars that a call was held for."),
        Column("direction"),
        *_score_columns(writer.digest)[1:],
        Column("return", True, "Mean return of a call after costs."),
    )
    return Table(
        f"cells-{number}",
        f"{starting(writer.digest, track)}, every horizon and direction",
        columns,
        tuple(
            _score_row(writer, number, track, place, cell, is_full=True)
            for place, cell in enumerate(track.cells)
            if cell.n_calls
        ),
        forms=PAGE,
        is_filtered=True,
    )


def _score_columns(digest: Digest) -> tuple[Column, ...]:
    """The columns of a scorecard; without an earlier digest there is no last week to show."""
    return tuple(column for column in SCORE_COLUMNS if column is not LAST_WEEK or digest.changes.has_last_week)


def _score_row(writer: Writer, number: int, track: Track, place: int, cell: Cell, *, is_full: bool = False) -> Row:
    at = f"tracks.{number}.cells.{place}"
    holding = f"{{.horizon|count}} {TIMEFRAMES[track.timeframe].unit}"
    keys = ["{.sector|text}", holding, "{.direction|text}"] if is_full else ["{.sector|text}"]
    if cell.is_reportable:
        templates = [
            *keys,
            "{.n_calls|count}",
            "{.n_effective|count}",
            estimate(".hit_rate"),
            *([_last_week(cell)] if writer.digest.changes.has_last_week else []),
            "{.base_rate|percent}",
            difference(".edge") if cell.edge else NO_VALUE,
            difference(".selection") if cell.selection else NO_VALUE,
            marks_in_words(track, cell) or NO_VALUE,
            *(["{.mean_return|change}"] if is_full else []),
        ]
    else:
        templates = [*keys, "{.n_calls|count}", too_few(cell)]
    return Row(
        tuple(writer.text(template, at) for template in templates),
        {"sector": cell.sector, "horizon": str(cell.horizon), "direction": cell.direction},
        cell.sector == "all",
    )


def too_few(cell: Cell) -> str:
    """The template for a cell that is not reportable: n, what it lacks, the expected date, the smallest edge."""
    lacks = (
        "enough calls, but in {.n_clusters|count} of the 10 separate stretches of time needed"
        if lacks_only_time(cell)
        else "in {.n_clusters|count} stretches of time"
    )
    enough = (
        ", enough around {.enough_date|month} at the present pace"
        if cell.enough_date
        else ", when there will be enough cannot be told yet"
    )
    smallest = (
        "; smallest edge it could show now: {.smallest_edge|size}" if cell.smallest_edge else "; no edge could show yet"
    )
    return f"too few (n = {{.n_calls|count}}, {lacks}{enough}{smallest})"


def too_few_briefly(cell: Cell) -> str:
    """A short form of `too_few`: n, and the stretches of time where only those are lacking."""
    lacks = f", {{.n_clusters|count}}{HOLD}stretches" if lacks_only_time(cell) else ""
    return f"too few (n{HOLD}={HOLD}{{.n_calls|count}}{lacks})"


def _last_week(cell: Cell) -> str:
    if cell.last_week is None:
        return NO_VALUE
    return estimate(".last_week.hit_rate") if cell.last_week.hit_rate else "too few (n = {.last_week.n_calls|count})"


def _matrix(writer: Writer, number: int, track: Track) -> Table:
    """All horizons in one table: the edge with its interval and n."""
    sectors = list(dict.fromkeys(cell.sector for cell in track.cells if cell.n_calls))
    places = {(cell.sector, cell.horizon): place for place, cell in enumerate(track.cells) if cell.direction == "both"}
    unit = TIMEFRAMES[track.timeframe].unit
    rows = []
    for sector in sectors:
        cells: list[Text] = [(sector,)]
        for horizon in track.horizons:
            place = places.get((sector, horizon))
            cell = None if place is None else track.cells[place]
            if cell is None or not cell.n_calls:
                cells.append((NO_VALUE,))
            elif cell.edge is None:
                cells.append(writer.text(too_few_briefly(cell), f"tracks.{number}.cells.{place}"))
            else:
                template = f"{difference('.edge')} n{HOLD}={HOLD}{{.n_calls|count}}"
                cells.append(writer.text(template, f"tracks.{number}.cells.{place}"))
        rows.append(Row(tuple(cells), {"sector": sector}, sector == "all"))
    return Table(
        f"matrix-{number}",
        f"Edge in points (95 %) at every horizon, both sides together, {name_of(writer.digest, track)}",
        (Column("sector"), *(Column(f"{horizon} {unit}", True) for horizon in track.horizons)),
        tuple(rows),
        forms=MAIL | {"plain"},
    )


def _provenances(writer: Writer, number: int, track: Track) -> Table:
    rows = []
    for place, one in enumerate(track.provenances):
        at = f"tracks.{number}.provenances.{place}"
        templates = ["{.provenance|text}", "{.entry_rule|text}", "{.n_calls|count}"]
        if one.hit_rate:
            templates += ["{.n_effective|count}", estimate(".hit_rate"), difference(".edge") if one.edge else NO_VALUE]
        else:
            templates += ["too few (n = {.n_calls|count})"]
        rows.append(Row(tuple(writer.text(template, at) for template in templates)))
    return Table(
        f"provenance-{number}",
        f"How we know, and what could be traded: {name_of(writer.digest, track)}, held for "
        f"{bars(track.main_horizon, track.timeframe)}",
        (
            Column(
                "provenance", False, "witnessed: we saw it in time; attested: the source says so; backfill: neither."
            ),
            Column("entry", False, "next_open: the vendor's best case; tradable: what somebody could have done."),
            *(
                column
                for column in SCORE_COLUMNS
                if column.heading.split(",")[0].split(" (")[0] in ("calls", "worth", "hit rate", "edge")
            ),
        ),
        tuple(rows),
        forms=WIDE,
    )
