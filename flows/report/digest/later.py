"""Late rows: whether data that came after a past week's publish has changed that week's curves or drawdowns.

Rates and edges are read from the scorecard as it was published. Curves and drawdowns are recomputed by every build,
so after a late or revised row of those days they are today's, not the week's, and the digest leaves them out.
"""

from dataclasses import dataclass

from flows.report.digest.moment import File


@dataclass(frozen=True)
class Moved:
    """Which parts of one vendor and timeframe have changed since the week's moment."""

    curves: bool
    drawdowns: bool


def moved_since(file: File, *, vendor: str, timeframe: str) -> Moved:
    """Whether rows that came after the moment's publish have changed its curves, or its calls' drawdowns."""
    track = {"vendor": vendor, "timeframe": timeframe}
    if not file.row("select count(*) as n from later_snapshot")["n"]:
        return Moved(curves=False, drawdowns=False)
    are_prices_moved = bool(file.report_row("moved_prices", **track)["n"])
    return Moved(
        curves=are_prices_moved or bool(file.report_row("moved_stances", **track)["n"]),
        drawdowns=are_prices_moved or bool(file.report_row("moved_outcomes", **track)["n"]),
    )
