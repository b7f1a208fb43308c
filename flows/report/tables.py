"""Tables and lines on a terminal, never cut off."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

# The width of output that is no terminal, such as a file; the widest scorecard fits.
WIDE = 160


def fits(console: Console, table: Table) -> bool:
    """Whether every cell of a table can be shown whole."""
    unbounded = console.options.update(max_width=100_000)
    return Measurement.get(console, unbounded, table).maximum <= console.width


def print_line(console: Console, text: str) -> None:
    """Print a line of text as it is, without rich's markup or highlighting, because it may contain a vendor's data."""
    console.print(text, highlight=False, markup=False)


def print_rows(console: Console, names: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """A table where it fits; else each row on lines of its own, so that nothing is cut off."""
    cells = [["" if value is None else str(value) for value in row] for row in rows]
    table = Table(*(escape(name) for name in names))
    for row in cells:
        table.add_row(*map(Text, row))
    if fits(console, table):
        console.print(table)
        return
    width = max(map(len, names))
    for row in cells:
        for name, value in zip(names, row, strict=True):
            print_line(console, f"{name:<{width}}  {value}")
        console.print()
