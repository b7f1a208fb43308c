"""Whether a table fits where it is printed."""

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

# The width of a page that has none of its own; the widest scorecard fits.
WIDE = 160


def fits(console: Console, table: Table) -> bool:
    """Whether every cell of a table can be shown whole."""
    unbounded = console.options.update(max_width=100_000)
    return Measurement.get(console, unbounded, table).maximum <= console.width
