"""The closing sections: open calls, data quality, notes, and how to read the digest."""

from flows.report.digest.document import Chart, Column, Section, Table, Text, Writer
from flows.report.digest.parts import WIDE, name_of, token_template, track_template
from flows.report.digest.sentences import bars
from flows.timeframes import TIMEFRAMES


def open_calls_section(writer: Writer) -> Section:
    """The calls that are not scored yet."""
    parts: list[Text | Table | Chart] = []
    for number, track in enumerate(writer.digest.tracks):
        unit = TIMEFRAMES[track.timeframe].unit
        counts = ", ".join(
            f"{{.open_counts.{place}.n_open|count}} at {{.open_counts.{place}.horizon|count}} {unit}"
            for place in range(len(track.open_counts))
        )
        parts.append(
            writer.text(
                f"{track_template(writer.digest, number, is_first=True)}, calls not scored yet: {counts}.",
                f"tracks.{number}",
            )
        )
        if track.open_calls and track.timeframe == "1d":
            rows = tuple(
                writer.row(
                    f"tracks.{number}.open_calls.{place}",
                    (
                        token_template(writer.digest, one.symbol),
                        "{.sector|text}",
                        "{.direction|side}",
                        "{.entry_at|moment}",
                        "{.entry_price|price}",
                        "{.due_at|moment}",
                    ),
                    sector=one.sector,
                )
                for place, one in enumerate(track.open_calls)
            )
            table = Table(
                f"open-{number}",
                f"Open calls, {name_of(writer.digest, track)}, {bars(track.main_horizon, track.timeframe)}",
                (
                    Column("token"),
                    Column("sector"),
                    Column("call"),
                    Column("entered"),
                    Column("at, USD", True),
                    Column("judged at"),
                ),
                rows,
                forms=WIDE,
            )
            parts.append(table)
    return Section("open-calls", "Open calls", tuple(parts))


def quality_section(writer: Writer) -> Section:
    """Rows delivered, rows quarantined and why, and missing days."""
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


def notes_section(writer: Writer) -> Section:
    """Notes that an operator wrote for the readers."""
    notes = tuple(
        writer.text("{.written_at|day}: {.text|text}", f"notes.{number}") for number in range(len(writer.digest.notes))
    )
    return Section("notes", "Notes and corrections", notes or (("None.",),))


def method_section(writer: Writer) -> Section:
    """How to read the page."""
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
