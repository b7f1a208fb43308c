"""All vendors in one ranking, where they are too many for a scorecard each, and what became of each one's rows."""

from dataclasses import replace

from flows.report.digest.document import Column, Section, Table, Text, Writer, difference
from flows.report.digest.formats import HOLD, NO_VALUE
from flows.report.digest.model import Digest, Ranked
from flows.report.digest.parts import PAGE, left_out
from flows.report.ranking import MOST_VENDORS
from flows.timeframes import TIMEFRAMES

# A mail, a chat and plain text show so many of the first; all of them are on the page.
TOP = 10

RANKING_COLUMNS = (
    Column("rank", True, "By the lower end of the selection's interval."),
    Column("vendor"),
    Column("held", True, "Bars that a call was held for."),
    Column("calls", True, "Scored calls that were entered once one could."),
    Column(f"selection, points (95{HOLD}%)", True, "Hits against the sector's other tokens at the same bar."),
    Column("e", True, "Evidence that holds at every weekly look: 20 is seen at any of them in 5 % of cases by chance."),
    Column("mark", False, "▲ better and ▼ worse than chance once all vendors and weeks are allowed for."),
    Column("next open: calls", True, "As the vendor reports itself, whether anybody could have traded it or not."),
    Column("selection", True, "The same of these calls."),
    Column("mark", False, "△ and ▽: the same correction over what nobody may have been able to trade."),
    Column("new", True, "Calls of the week."),
)

ACCOUNT_COLUMNS = (
    Column("vendor"),
    Column("bars"),
    Column("rows", True, "Delivered so far."),
    Column("calls", True),
    Column("scored", True, "At the main horizon, entered at the next open."),
    Column("open", True),
    Column("lost", True, "Calls that cannot be scored."),
    Column("what is wrong"),
)


def ranking_section(writer: Writer) -> Section:
    """The ranking of many vendors; empty where each has a scorecard."""
    digest = writer.digest
    title = "All vendors"
    if not digest.ranking:
        return Section("ranking", title, tuple(left_out(writer, "ranking")))
    rows = tuple(writer.row(f"ranking.{place}", _cells(one)) for place, one in enumerate(digest.ranking))
    parts: list[Text | Table] = [
        writer.text(
            "How well each of {n_vendors|count} vendors chose which token of a sector to call, over all sectors and "
            "both directions, entered once one could. The order is that of the interval's lower end: first is who is "
            "most surely good, not who was luckiest. Marks allow for all vendors and for every weekly look (e-BH at 10 "
            "% false finds). Without a rank: too few calls that could be traded."
        ),
        *_top(Table("ranking", "All vendors, the best first", RANKING_COLUMNS, rows)),
        writer.text(in_detail(digest)),
    ]
    return Section("ranking", title, tuple(parts))


def in_detail(digest: Digest) -> str:
    """Which vendors the other sections are about."""
    names = list(dict.fromkeys(track.vendor for track in digest.tracks))
    places = [next(n for n, track in enumerate(digest.tracks) if track.vendor == name) for name in names]
    listed = ", ".join(f"{{tracks.{place}.vendor|text}}" for place in places)
    return (
        f"Below, the first {len(names)} of them in detail: {listed}. The scorecards of the others are in "
        "marts.signal_scorecard of the published file, by vendor."
    )


def accounts_of_vendors(writer: Writer) -> tuple[Table, ...]:
    """What became of each vendor's rows, those with something wrong first."""
    rows = writer.rows(
        (f"accounts.{place}" for place in range(len(writer.digest.accounts))),
        (
            "{.vendor|text}",
            "{.timeframe|text}",
            "{.n_rows|count}",
            "{.n_calls|count}",
            "{.n_scored|count}",
            "{.n_open|count}",
            "{.n_lost|count}",
            "{.problem|text}",
        ),
    )
    table = Table("accounts", "Each vendor, what is wrong first", ACCOUNT_COLUMNS, rows)
    return _top(table, MOST_VENDORS) if rows else ()


def _cells(one: Ranked) -> tuple[str, ...]:
    return (
        "{.rank|count}",
        "{.vendor|text}",
        f"{{.horizon|count}}{HOLD}{TIMEFRAMES[one.timeframe].unit}",
        "{.n_calls|count}",
        difference(".selection") if one.selection else _without(one.n_calls),
        "{.e|evidence}",
        "{.mark|mark}",
        "{.next_open_n_calls|count}",
        difference(".next_open_selection") if one.next_open_selection else _without(one.next_open_n_calls),
        "{.next_open_mark|hollow}",
        "{.n_new_calls|count}",
    )


def _without(n_calls: int) -> str:
    return "too few" if n_calls else NO_VALUE


def _top(table: Table, most: int = TOP) -> tuple[Table, ...]:
    """The whole table for the page, and its first rows, with a remark, for the forms that have no room for it."""
    if len(table.rows) <= most:
        return (table,)
    top = replace(
        table,
        name=f"{table.name}-top",
        caption=f"{table.caption} (the first {most} of {len(table.rows):,}; all of them are on the page)",
        rows=table.rows[:most],
        forms=frozenset({"mail", "plain"}),
    )
    return (top, replace(table, forms=PAGE))
