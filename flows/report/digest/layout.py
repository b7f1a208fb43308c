"""The order in which a digest is read: which section says what, once for every form."""

from collections.abc import Iterable
from dataclasses import replace

from flows.report.digest.charts import curves_chart, rates_chart
from flows.report.digest.document import (
    Chart,
    Column,
    Document,
    Row,
    Section,
    Table,
    Text,
    Writer,
    difference,
    estimate,
)
from flows.report.digest.formats import HOLD, NOT_TOLD
from flows.report.digest.marks import marks_told
from flows.report.digest.model import Cell, Digest, SectorCurves, Track
from flows.report.digest.sentences import bars

# What a mail has room for, and what a page has.
MAIL_ROWS = 6
TOP_ONLY = " (the top of the list; all of it is on the page)"

EVERYWHERE = frozenset({"mail", "page", "plain"})
WIDE = frozenset({"page", "plain"})
MAIL = frozenset({"mail"})
PAGE = frozenset({"page"})

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
    Column("mark", False, "Set only where the correction for all cells and weeks allows."),
)


def lay_out(digest: Digest) -> Document:
    """The digest in reading order, every figure tied to its place in digest.json."""
    writer = Writer(digest)
    return Document(
        title=f"Signal track record, week {digest.week}",
        stamp="Simulated: no real market, no real vendor. The skill in it was planted."
        if digest.is_simulated
        else None,
        head=tuple(_head(writer)),
        sentences=tuple(writer.text(sentence) for sentence in digest.sentences),
        sections=tuple(
            section
            for section in (
                _changes(writer),
                _hit_rates(writer),
                _too_few(writer),
                _drawdowns(writer),
                _levels(writer),
                _improved(writer),
                _regime(writer),
                _open_calls(writer),
                _quality(writer),
                _notes(writer),
                _method(writer),
            )
            if section.parts
        ),
        foot=tuple(_foot(writer)),
    )


def _head(writer: Writer) -> Iterable[Text]:
    yield writer.text("{week_from|day} to {week_to|day}, as of {as_of|moment} UTC")
    if writer.digest.is_complete:
        yield writer.text("Data complete: yes. Run {run_id|text}")
    else:
        reasons = "; ".join(
            f"{{incomplete_because.{number}|text}}" for number in range(len(writer.digest.incomplete_because))
        )
        yield writer.text(f"Data complete: no ({reasons}). Run {{run_id|text}}")


# What changed since last week.


def _changes(writer: Writer) -> Section:
    digest = writer.digest
    parts: list[Text | Table | Chart] = []
    for number, track in enumerate(digest.tracks):
        late = "; {.n_learned_late|count} more, about earlier weeks, became known" if track.n_learned_late else ""
        parts.append(
            writer.text(
                f"{_starting(digest, track)}: {{.n_new_calls|count}} new calls ({{.n_new_long|count}} long, "
                f"{{.n_new_short|count}} short), {{.n_flips|count}} of them flips from one side to the other{late}.",
                f"tracks.{number}",
            )
        )
    for number, track in enumerate(digest.tracks):
        if track.timeframe == "1d" and track.new_calls:
            parts += _cut(_new_calls(writer, number, track))
    parts += _grades(writer)
    parts += _sectors_moved(writer)
    parts += _moved(writer)
    if digest.changes.restated:
        parts.append(
            Table(
                "restated",
                "Restated by the vendor",
                (Column("dataset"), Column("field"), Column("values", True), Column("tokens", True)),
                writer.rows(
                    (f"changes.restated.{number}" for number in range(len(digest.changes.restated))),
                    ("{.dataset|text}", "{.field|text}", "{.n_changes|count}", "{.n_tokens|count}"),
                ),
            )
        )
    else:
        parts.append(("No value was restated.",))
    if digest.quality.n_missing:
        parts.append(writer.text("Gaps: {quality.n_missing|count} token-days without a price, see data quality."))
    elif digest.quality.missing:
        parts.append(("Gaps: whole days are missing, see data quality.",))
    else:
        parts.append(("No gaps: every day of the week is there.",))
    parts += _left_out(writer, "changes")
    return Section("changes", "What changed since last week", tuple(parts))


def _new_calls(writer: Writer, number: int, track: Track) -> Table:
    rows = writer.rows(
        (f"tracks.{number}.new_calls.{call}" for call in range(len(track.new_calls))),
        (
            "{.symbol|text}",
            "{.sector|text}",
            "{.direction|side}",
            "{.side_before|side}",
            "{.signal_at|moment}",
            "{.provenance|text}",
        ),
    )
    return Table(
        f"new-calls-{number}",
        f"New calls, {_name(writer.digest, track)}",
        (
            Column("token"),
            Column("sector"),
            Column("call"),
            Column("before"),
            Column("signal of"),
            Column("provenance"),
        ),
        tuple(Row(row.cells, {"sector": call.sector}) for row, call in zip(rows, track.new_calls, strict=True)),
    )


def _grades(writer: Writer) -> list[Text | Table | Chart]:
    changes = writer.digest.changes
    if not changes.grade_changes:
        return []
    rows = writer.rows(
        (f"changes.grade_changes.{number}" for number in range(len(changes.grade_changes))),
        (
            "{.symbol|text}",
            "{.kind|text}",
            "{.before|grade}",
            "{.after|grade}",
            "{.label_before|text}",
            "{.label_after|text}",
        ),
    )
    columns = (
        Column("token"),
        Column("grade"),
        Column("before", True),
        Column("now", True),
        Column("label before"),
        Column("label now"),
    )
    return [
        writer.text(
            "Grades: {changes.n_upgrades|count} upgrades and {changes.n_downgrades|count} downgrades (10 points or "
            "more, or another label)."
        ),
        *_cut(Table("grades", "Largest changes of grade", columns, rows)),
    ]


def _sectors_moved(writer: Writer) -> list[Text | Table | Chart]:
    parts: list[Text | Table | Chart] = []
    for number, track in enumerate(writer.digest.tracks):
        if track.timeframe != "1d" or not track.curves:
            continue
        order = sorted(range(len(track.curves)), key=lambda place: _week_return(track.curves[place]), reverse=True)
        places = [f"tracks.{number}.curves.{place}" for place in order]
        rows = writer.rows(
            places, ("{.sector|text}", "{.equal_weight.week_return|change}", "{.signal.week_return|change}")
        )
        parts.append(
            Table(
                f"sectors-{number}",
                f"Sectors this week, {_name(writer.digest, track)}",
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


def _week_return(curves: SectorCurves) -> float:
    return curves.equal_weight.week_return or 0.0


def _moved(writer: Writer) -> list[Text | Table | Chart]:
    moved = writer.digest.changes.moved
    if not moved:
        return [("No hit rate left last week's interval.",)] if writer.digest.changes.has_last_week else []
    return [
        Table(
            "moved",
            "Cells that read otherwise than a week ago",
            (Column("sector"), Column("timeframe"), Column("held", True), Column("what")),
            writer.rows(
                (f"changes.moved.{number}" for number in range(len(moved))),
                ("{.sector|text}", "{.timeframe|text}", "{.horizon|count}", "{.what|text}"),
            ),
        )
    ]


# Hit rates.


def _hit_rates(writer: Writer) -> Section:
    digest = writer.digest
    parts: list[Text | Table | Chart] = [*_left_out(writer, "hit-rates")]
    if digest.tracks:
        parts.append(
            writer.text(
                "A call hits when it made money after costs. The base is what any entry in the same tokens would have "
                "hit, the edge is the difference, and selection compares with the sector's other tokens at the same "
                "moment. Worth: how many independent calls the overlapping ones are worth; where longs and shorts were "
                "open at the same time they offset each other, and both together are worth more than either. ▲ and ▼ "
                "say better and worse than chance, of which side and by which measure, and stand only where a "
                "sector's bullish or bearish calls are still beyond chance after a correction for {n_tested|count} "
                "tests and a year of weekly looks (q at most {mark_level|level}); without a mark a sector's difference "
                "may well be chance. The row of all sectors is not among these tests: read its interval."
            )
        )
    for number, track in enumerate(digest.tracks):
        chart = rates_chart(digest, track, number)
        if chart:
            parts.append(chart)
        parts.append(_main_table(writer, number, track))
        parts.append(_matrix(writer, number, track))
        parts.append(_all_cells(writer, number, track))
        parts.append(_provenances(writer, number, track))
    return Section("hit-rates", "Hit rates by sector", tuple(parts))


def _main_table(writer: Writer, number: int, track: Track) -> Table:
    held = bars(track.main_horizon, track.timeframe)
    return Table(
        f"scores-{number}",
        f"{_starting(writer.digest, track)}, held for {held}, both directions",
        _score_columns(writer.digest),
        tuple(
            _score_row(writer, number, track, place, cell)
            for place, cell in enumerate(track.cells)
            if cell.horizon == track.main_horizon and cell.direction == "both" and cell.n_calls
        ),
        forms=MAIL | {"plain"},
    )


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
        f"{_starting(writer.digest, track)}, every horizon and direction",
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
    held = f"{{.horizon|count}} {'d' if track.timeframe == '1d' else 'h'}"
    keys = ["{.sector|text}", held, "{.direction|text}"] if is_full else ["{.sector|text}"]
    if cell.is_reportable:
        templates = [
            *keys,
            "{.n_calls|count}",
            "{.n_effective|count}",
            estimate(".hit_rate"),
            *([_last_week(cell)] if writer.digest.changes.has_last_week else []),
            "{.base_rate|percent}",
            difference(".edge") if cell.edge else NOT_TOLD,
            difference(".selection") if cell.selection else NOT_TOLD,
            marks_told(track, cell, is_short=not is_full) or NOT_TOLD,
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
    """The template for a cell that is not reportable: how many, when they will be enough, what they could show."""
    enough = (
        ", enough around {.enough_date|month} at the present pace"
        if cell.enough_date
        else (", when there will be enough cannot be told yet")
    )
    smallest = (
        "; smallest edge it could show now: {.smallest_edge|size}"
        if cell.smallest_edge
        else ("; no edge could show yet")
    )
    return f"too few (n = {{.n_calls|count}} in {{.n_clusters|count}} stretches of time{enough}{smallest})"


def _last_week(cell: Cell) -> str:
    if cell.last_week is None:
        return NOT_TOLD
    return estimate(".last_week.hit_rate") if cell.last_week.hit_rate else "too few (n = {.last_week.n_calls|count})"


def _matrix(writer: Writer, number: int, track: Track) -> Table:
    """Every horizon at a glance: the edge with its interval and n."""
    sectors = list(dict.fromkeys(cell.sector for cell in track.cells if cell.n_calls))
    places = {(cell.sector, cell.horizon): place for place, cell in enumerate(track.cells) if cell.direction == "both"}
    unit = "d" if track.timeframe == "1d" else "h"
    rows = []
    for sector in sectors:
        cells: list[Text] = [(sector,)]
        for horizon in track.horizons:
            place = places.get((sector, horizon))
            cell = None if place is None else track.cells[place]
            if cell is None or not cell.n_calls:
                cells.append((NOT_TOLD,))
            elif cell.edge is None:
                cells.append(writer.text("too few (n = {.n_calls|count})", f"tracks.{number}.cells.{place}"))
            else:
                told = f"{difference('.edge')} n{HOLD}={HOLD}{{.n_calls|count}} {marks_told(track, cell)}".strip()
                cells.append(writer.text(told, f"tracks.{number}.cells.{place}"))
        rows.append(Row(tuple(cells), {"sector": sector}, sector == "all"))
    return Table(
        f"matrix-{number}",
        f"Edge in points (95 %) at every horizon, both sides together, and the marks of either, "
        f"{_name(writer.digest, track)}",
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
            templates += ["{.n_effective|count}", estimate(".hit_rate"), difference(".edge") if one.edge else NOT_TOLD]
        else:
            templates += ["too few (n = {.n_calls|count})"]
        rows.append(Row(tuple(writer.text(template, at) for template in templates)))
    return Table(
        f"provenance-{number}",
        f"How we know, and what could be traded: {_name(writer.digest, track)}, held for "
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


def _too_few(writer: Writer) -> Section:
    parts: list[Text | Table | Chart] = []
    for number, track in enumerate(writer.digest.tracks):
        waiting = [
            (place, cell)
            for place, cell in enumerate(track.cells)
            if cell.direction == "both" and cell.n_calls and not cell.is_reportable
        ]
        if not waiting:
            continue
        parts.append(
            (
                f"{_starting(writer.digest, track)}: these cells have too few calls to show a rate. A cell is "
                "enough with 30 independent calls in 10 separate stretches of time; the smallest edge is what a test "
                "would find four times in five.",
            )
        )
        rows = []
        for place, cell in waiting:
            templates = [
                "{.sector|text}",
                f"{{.horizon|count}} {'d' if track.timeframe == '1d' else 'h'}",
                "{.n_calls|count}",
                "{.n_effective|count}",
                "{.n_clusters|count}",
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
        parts += _cut(
            Table(
                f"too-few-{number}",
                f"Too few calls yet, {_name(writer.digest, track)}",
                (
                    Column("sector"),
                    Column("held", True),
                    Column("calls", True),
                    Column("worth", True),
                    Column("stretches", True),
                    Column("enough around", True),
                    Column("smallest edge now", True),
                ),
                tuple(rows),
                is_filtered=True,
            )
        )
    return Section("too-few", "Cells that are too few", tuple(parts))


# Drawdowns.


def _drawdowns(writer: Writer) -> Section:
    parts: list[Text | Table | Chart] = []
    for number, track in enumerate(writer.digest.tracks):
        chart = curves_chart(writer.digest, track, number)
        if chart:
            parts.append(chart)
        if track.drawdowns:
            parts.append(_call_drawdowns(writer, number, track))
        if track.n_outcomes_revised:
            parts.append(
                writer.text(
                    "{.n_outcomes_revised|count} scored calls stand otherwise in today's file than they did at the "
                    "moment of this digest: prices under them were revised, and their drawdowns are today's.",
                    f"tracks.{number}",
                )
            )
        if track.curves:
            parts.append(_curves(writer, number, track))
    return Section("drawdowns", "Drawdowns", tuple(parts))


def _call_drawdowns(writer: Writer, number: int, track: Track) -> Table:
    rows = writer.rows(
        (f"tracks.{number}.drawdowns.{place}" for place in range(len(track.drawdowns))),
        (
            "{.sector|text}",
            "{.n_calls|count}",
            "{.median|change}",
            "{.p95|change}",
            "{.worst|change}",
            "{.worst_symbol|text} {.worst_direction|side}, {.worst_entry_at|day} to {.worst_exit_at|day}",
        ),
    )
    return Table(
        f"drawdowns-{number}",
        f"While a call was held, {_name(writer.digest, track)}, {bars(track.main_horizon, track.timeframe)}",
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
            f"{{.{policy}.drawdown|change}}",
            f"{{.{policy}.max_drawdown|change}} ({{.{policy}.trough_at|day}})",
        ]
    rows = writer.rows((f"tracks.{number}.curves.{place}" for place in range(len(track.curves))), templates)
    return Table(
        f"curves-{number}",
        f"Sector equity under water, {_name(writer.digest, track)}: how far below the highest point, now and at worst",
        (
            Column("sector"),
            Column("calls now", True, "Following the vendor's stance, costs included."),
            Column("calls worst", True),
            Column("equal weight now", True, "Every covered token in equal parts, no costs."),
            Column("equal weight worst", True),
            Column("hold now", True, "Bought once and kept, no costs."),
            Column("hold worst", True),
        ),
        tuple(
            Row(row.cells, {"sector": one.sector}, one.sector == "all")
            for row, one in zip(rows, track.curves, strict=True)
        ),
        forms=WIDE,
    )


def _levels(writer: Writer) -> Section:
    """The place of touch, hold and break rates beside placebo levels, once a level scorecard is published."""
    return Section("levels", "Levels", tuple(_left_out(writer, "levels")))


def _left_out(writer: Writer, section: str) -> Iterable[Text]:
    """What a section cannot say, and why."""
    return ((one.because,) for one in writer.digest.left_out if one.section == section)


# The market.


def _improved(writer: Writer) -> Section:
    improved = writer.digest.improved
    if not improved:
        return Section(
            "improved",
            "Better on all three counts",
            (
                writer.text(
                    "Of {n_compared|count} tokens none had its Sharpe ratio rise while drawdown and volatility fell."
                ),
            ),
        )
    rows = writer.rows(
        (f"improved.{number}" for number in range(len(improved))),
        (
            "{.symbol|text}",
            "{.sector|text}",
            "{.sharpe_before|ratio} to {.sharpe|ratio}",
            "{.max_drawdown_before|change} to {.max_drawdown|change}",
            "{.volatility_before|number} to {.volatility|number}",
        ),
    )
    columns = (
        Column("token"),
        Column("sector"),
        Column("Sharpe", True, "Annualised, risk-free rate 0."),
        Column("drawdown", True, "Deepest fall on closes."),
        Column("volatility, % a year", True),
    )
    table = Table(
        "improved",
        "Sharpe ratio up, drawdown and volatility down, over 90 days, from a week ago to now",
        columns,
        tuple(Row(row.cells, {"sector": one.sector}) for row, one in zip(rows, improved, strict=True)),
    )
    return Section(
        "improved",
        "Better on all three counts",
        (
            writer.text("{improved|len} of {n_compared|count} tokens with 98 unbroken days, from our own prices."),
            *_cut(table),
        ),
    )


def _regime(writer: Writer) -> Section:
    regime = writer.digest.regime
    if regime is None:
        return Section(
            "regime", "Regime and breadth", (("No daily price is known, so the market cannot be described.",),)
        )
    parts: list[Text | Table | Chart] = [
        writer.text(
            "Every scored token in equal parts: {regime.week_return|change} in the week, {regime.drawdown|change} from "
            "its highest point of the last year; volatility of 30 days {regime.volatility_30|number} against "
            "{regime.volatility_365|number} over the year (percent a year)."
        ),
        writer.text(
            "Breadth: {regime.n_above_50|count} of {regime.n_with_50|count} tokens above their 50-day mean (a week ago "
            "{regime.n_above_50_before|count} of {regime.n_with_50_before|count}); {regime.n_up|count} of "
            "{regime.n_up_of|count} rose in the week."
        ),
    ]
    if regime.bitcoin:
        parts.append(
            writer.text(
                "Altcoins: {regime.n_beat_bitcoin|count} of {regime.n_beat_bitcoin_of|count} tokens did better than "
                "{regime.bitcoin|text} over 90 days."
            )
        )
    else:
        parts.append(("Altcoins against Bitcoin: left out, there is no Bitcoin among the tokens.",))
    for number, track in enumerate(writer.digest.tracks):
        if track.n_long_now is not None:
            parts.append(
                writer.text(
                    f"Stance of {_name(writer.digest, track)}: long {{.n_long_now|count}}, short "
                    "{.n_short_now|count} tokens.",
                    f"tracks.{number}",
                )
            )
    return Section("regime", "Regime and altcoin breadth", tuple(parts))


# Open calls, data quality, notes, method.


def _open_calls(writer: Writer) -> Section:
    parts: list[Text | Table | Chart] = []
    for number, track in enumerate(writer.digest.tracks):
        unit = "d" if track.timeframe == "1d" else "h"
        counts = ", ".join(
            f"{{.open_counts.{place}.n_open|count}} at {{.open_counts.{place}.horizon|count}} {unit}"
            for place in range(len(track.open_counts))
        )
        parts.append(
            writer.text(f"{_starting(writer.digest, track)}, calls not scored yet: {counts}.", f"tracks.{number}")
        )
        if track.open_calls and track.timeframe == "1d":
            rows = writer.rows(
                (f"tracks.{number}.open_calls.{place}" for place in range(len(track.open_calls))),
                (
                    "{.symbol|text}",
                    "{.sector|text}",
                    "{.direction|side}",
                    "{.entry_at|moment}",
                    "{.entry_price|price}",
                    "{.due_at|moment}",
                ),
            )
            table = Table(
                f"open-{number}",
                f"Open calls, {_name(writer.digest, track)}, {bars(track.main_horizon, track.timeframe)}",
                (
                    Column("token"),
                    Column("sector"),
                    Column("call"),
                    Column("entered"),
                    Column("at, USD", True),
                    Column("judged at"),
                ),
                tuple(Row(row.cells, {"sector": one.sector}) for row, one in zip(rows, track.open_calls, strict=True)),
                forms=WIDE,
            )
            parts.append(table)
    return Section("open-calls", "Open calls", tuple(parts))


def _quality(writer: Writer) -> Section:
    quality = writer.digest.quality
    parts: list[Text | Table | Chart] = []
    if quality.delivered:
        parts.append(
            Table(
                "delivered",
                "What came in",
                (
                    Column("dataset"),
                    Column("rows in", True),
                    Column("new", True),
                    Column("quarantined", True),
                    Column("not yet known", True, "Rows about a later moment than the run lived at."),
                ),
                writer.rows(
                    (f"quality.delivered.{number}" for number in range(len(quality.delivered))),
                    (
                        "{.dataset|text}",
                        "{.n_rows|count}",
                        "{.n_new|count}",
                        "{.n_quarantined|count}",
                        "{.n_hidden|count}",
                    ),
                ),
            )
        )
    for name, kind, words in (
        (
            "quarantined",
            quality.quarantined,
            "{.n_rows|count} rows of {.dataset|text} quarantined by {.rule|text}: {.reason|text}",
        ),
        ("warned", quality.warned, "Warning {.rule|text} of {.dataset|text} ({.n_failed|count}): {.reason|text}"),
    ):
        parts += [writer.text(words, f"quality.{name}.{number}") for number in range(len(kind))]
    if not quality.quarantined:
        parts.append(("No row was quarantined.",))
    if quality.missing:
        parts.append(
            Table(
                "missing",
                "Missing days",
                (Column("day"), Column("dataset"), Column("tokens", True, "0: nothing at all came for that day.")),
                writer.rows(
                    (f"quality.missing.{number}" for number in range(len(quality.missing))),
                    ("{.day|day}", "{.dataset|text}", "{.n_tokens|count}"),
                ),
            )
        )
    else:
        parts.append(("No day of the week is missing.",))
    return Section("quality", "Data quality", tuple(parts))


def _notes(writer: Writer) -> Section:
    notes = tuple(
        writer.text("{.written_at|day}: {.text|text}", f"notes.{number}") for number in range(len(writer.digest.notes))
    )
    return Section("notes", "Notes and corrections", notes or (("None.",),))


def _method(writer: Writer) -> Section:
    return Section(
        "method",
        "How to read this",
        (
            writer.text(
                "Costs of {cost_bps|bps} basis points for each round trip are taken off every return. Intervals are "
                "95 % and count calls that overlap and move together as the few they are worth. Dead tokens are "
                "counted. Calls are entered at the open of the bar after the signal's, which is the vendor's best case "
                "(next_open); tradable is the first open after the signal was known. Witnessed: we saw the signal in "
                "time; attested: the source says it was known then; backfill: neither. A stretch of time is one "
                "horizon's length twice over: calls within one are not independent. A short can lose more than its "
                "stake on the way, which its drawdown shows, never in the end. Under water: equal weight is "
                "rebalanced every bar, hold never. A token-day is one token's bar of one day."
            ),
        ),
    )


def _foot(writer: Writer) -> Iterable[Text]:
    yield writer.text("trackrecord {version|text}. Definitions: docs/methodology.md. Not financial advice.")


def _cut(table: Table) -> tuple[Table, ...]:
    """A long list whole where there is room, and its top for the mail, which says so."""
    if len(table.rows) <= MAIL_ROWS:
        return (table,)
    top = Table(
        f"{table.name}-top",
        f"{table.caption}{TOP_ONLY}",
        table.columns,
        table.rows[:MAIL_ROWS],
        forms=MAIL,
    )
    return (top, replace(table, forms=WIDE))


def _name(digest: Digest, track: Track) -> str:
    every = {"1d": "daily calls", "1h": "hourly calls"}[track.timeframe]
    is_alone = len({one.vendor for one in digest.tracks}) == 1
    return every if is_alone else f"{track.vendor}, {every}"


def _starting(digest: Digest, track: Track) -> str:
    """A track's name where a sentence begins."""
    name = _name(digest, track)
    return name[0].upper() + name[1:]
