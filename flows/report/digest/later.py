"""What has come since a past week's publish and reaches into that past: the file no longer tells how it stood then.

Rates and edges are of the scorecard as it was published. Curves and drawdowns are computed anew at every build, so
where a row of those days has come or changed since, they are today's and not the week's.
"""

from dataclasses import dataclass

from flows.report.digest.moment import File


@dataclass(frozen=True)
class Moved:
    """What of one vendor and timeframe is not what it was at the moment."""

    curves: bool
    drawdowns: bool


def moved_since(file: File, *, vendor: str, timeframe: str) -> Moved:
    """Whether rows that came after the moment's publish have moved its curves, or its calls' drawdowns."""
    track = {"vendor": vendor, "timeframe": timeframe}
    if not file.row("select count(*) as n from later_snapshot")["n"]:
        return Moved(curves=False, drawdowns=False)
    are_prices_moved = bool(file.report_row("moved_prices", **track)["n"])
    return Moved(
        curves=are_prices_moved or bool(file.report_row("moved_stances", **track)["n"]),
        drawdowns=are_prices_moved or bool(file.report_row("moved_outcomes", **track)["n"]),
    )
