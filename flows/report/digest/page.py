"""The digest as a web page: one self-contained file with sortable tables and charts with tooltips."""

from flows.report.digest.document import Document, Figure, Table, Text, plain
from flows.report.digest.formats import NO_VALUE
from flows.report.digest.forms import environment


def page_form(document: Document) -> str:
    """The page's HTML."""
    made = environment()
    made.filters["sort_value"] = _sort_value
    return made.get_template("page.html").render(document=document, switches=_switches(document)) + "\n"


def _sort_value(cell: Text) -> object:
    """The sort key of a cell: its first figure's value, else its text; empty for a missing figure."""
    figures = [part for part in cell if isinstance(part, Figure)]
    if not figures:
        return "" if plain(cell) == NO_VALUE else plain(cell)
    return "" if figures[0].value is None else figures[0].value


def _switches(document: Document) -> dict[str, list[str]]:
    """The choices of each switch, from the rows of the tables that it filters."""
    rows = [
        row
        for section in document.sections
        for part in section.parts
        if isinstance(part, Table) and part.is_filtered and "page" in part.forms
        for row in part.rows
    ]
    values = {
        name: list(dict.fromkeys(row.tags[name] for row in rows if name in row.tags))
        for name in ("sector", "horizon", "direction")
    }
    return (
        {"sector": values["sector"], "horizon": sorted(values["horizon"], key=int), "direction": values["direction"]}
        if rows
        else {}
    )
