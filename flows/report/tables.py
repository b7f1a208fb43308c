"""Tables and lines on a terminal, never cut off."""

import re
import sys
from collections.abc import Iterable
from io import StringIO, TextIOWrapper
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

# The width of output that is no terminal, such as a file; the widest scorecard fits.
WIDE = 160
# Control characters but the line break, and marks that change the direction in which a line is shown.
HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def fits(console: Console, table: Table) -> bool:
    """Whether every cell of a table can be shown whole."""
    unbounded = console.options.update(max_width=100_000)
    return Measurement.get(console, unbounded, table).maximum <= console.width


def prepare_streams() -> None:
    """Make output possible where the locale has few characters, or where there is no output: neither is an error."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, StringIO())
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def visible(text: str) -> str:
    """A text with control characters and direction marks written out: a name must not steer the terminal."""
    return HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def print_line(console: Console, text: str) -> None:
    """Print a line of text as it is, without rich's markup or highlighting, because it may contain a vendor's data."""
    console.print(visible(text), highlight=False, markup=False)


def print_rows(console: Console, names: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """A table where it fits; else each row on lines of its own, so that nothing is cut off."""
    cells = [["" if value is None else visible(str(value)) for value in row] for row in rows]
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


def markdown_row(cells: Iterable[str]) -> str:
    """A row of a table in Markdown."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def points(share: object) -> str:
    """A share in points, with its sign; a dash where there is none."""
    return f"{100 * share:+.1f}" if isinstance(share, float) else "-"


def p_value(p: object) -> str:
    """A p value; a dash where there is none."""
    if not isinstance(p, float):
        return "-"
    return "<0.001" if p < 0.001 else f"{p:.3f}"
