"""What became of every signal row and every call, and why calls are not scored."""

from dataclasses import replace

from flows.report.digest.document import Column, Section, Table, Writer
from flows.report.digest.parts import PAGE, cut
from flows.report.digest.sections.ranking import accounts_of_vendors

# With more rows than this the whole table is on the page alone.
MOST_ROWS = 200

INDENTS = {"delivered": "· ", "call": "· · "}

COLUMNS = (
    Column("vendor"),
    Column("bars"),
    Column("step", False, "A step with dots is a part of the one above it that has fewer: parts add up."),
    Column("why"),
    Column("rows or calls", True),
)


def funnel_section(writer: Writer) -> Section:
    """One table, of all rows so far and not the week's: each step of a vendor's rows, and how its calls stand."""
    rows = tuple(
        writer.row(
            f"funnel.{place}",
            (
                "{.vendor|text}",
                "{.timeframe|text}",
                INDENTS.get(one.part_of or "", "") + "{.step|text}",
                "{.reason|text}",
                "{.n_rows|count}",
            ),
        )
        for place, one in enumerate(writer.digest.funnel)
    )
    caption = "What became of every row delivered so far, and of the calls at the headline horizon"
    tables = cut(Table("funnel", caption, COLUMNS, rows))
    if len(rows) > MOST_ROWS:
        top, whole = tables
        tables = (replace(top, forms=frozenset({"mail", "plain"})), replace(whole, forms=PAGE))
    accounts = accounts_of_vendors(writer)
    return Section("funnel", "What became of every row", (*tables, *accounts) if rows else ())
