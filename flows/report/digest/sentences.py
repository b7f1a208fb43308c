"""Three sentences in plain words, made from the numbers: how good, where, and what the week brought."""

from collections.abc import Iterable

from flows.report.digest.document import difference, estimate
from flows.report.digest.model import Cell, Digest, Track

UNITS = {"1d": "day", "1h": "hour"}


def three_sentences(digest: Digest) -> tuple[str, ...]:
    """Templates of the three sentences; `Writer.text` fills them in."""
    if not digest.tracks:
        return ("No call has been scored yet, so there is nothing to say about how good the signals are.",)
    return (_how_good(digest), _where(digest), _what_the_week_brought(digest))


def bars(n: int, timeframe: str) -> str:
    """A number of bars in words: `14 days`."""
    return f"{n} {UNITS[timeframe]}{'' if n == 1 else 's'}"


def verdict(cell: Cell) -> str:
    """What an edge's interval allows to say."""
    if cell.edge is None or cell.edge.low is None or cell.edge.high is None:
        return "whether that is more than chance cannot be told"
    if cell.edge.low > 0:
        return "more than chance would explain"
    if cell.edge.high < 0:
        return "worse than chance would explain"
    return "which chance alone can explain"


def headline_place(digest: Digest) -> tuple[Track, Cell, str]:
    """The track, the cell and its path that the first sentence is about.

    The pooled cell at the main horizon, or, while that is too small, at the nearest one that is not.
    """
    track = digest.tracks[0]
    pooled = [
        (cell, f"tracks.0.cells.{number}")
        for number, cell in enumerate(track.cells)
        if (cell.sector, cell.direction) == ("all", "both")
    ]
    cell, at = min(pooled, key=lambda one: (not one[0].is_reportable, abs(one[0].horizon - track.main_horizon)))
    return track, cell, at


def _how_good(digest: Digest) -> str:
    track, cell, at = headline_place(digest)
    held = bars(cell.horizon, track.timeframe)
    calls = f"scored {_every(track.timeframe)} calls of {{tracks.0.vendor|text}}, held for {held}"
    if cell.hit_rate is None:
        enough = f", enough around {{{at}.enough_date|month}} at the present pace" if cell.enough_date else ""
        return (
            f"The {calls}, are too few to judge (n = {{{at}.n_calls|count}}, worth {{{at}.n_effective|count}} "
            f"independent ones{enough}): no hit rate can be trusted yet."
        )
    return (
        f"Of the n = {{{at}.n_calls|count}} {calls}, {estimate(f'{at}.hit_rate')} made money after costs; they are "
        f"worth {{{at}.n_effective|count}} independent ones. Any entry in the same tokens would have made money "
        f"{{{at}.base_rate|percent}} of the time: an edge of {difference(f'{at}.edge')} points, {verdict(cell)}."
        f"{_what_could_be_traded(track, cell)}"
    )


def _what_could_be_traded(track: Track, cell: Cell) -> str:
    """The edge of those who enter once the signal is known: the first sentence's is the vendor's best case."""
    if cell.horizon != track.main_horizon:
        return ""
    return next(
        (
            f" Entered only once the signal was known, it is {difference(f'tracks.0.provenances.{place}.edge')} points."
            for place, one in enumerate(track.provenances)
            if (one.provenance, one.entry_rule) == ("all", "tradable") and one.edge is not None
        ),
        "",
    )


def _where(digest: Digest) -> str:
    above = list(_marked(digest, "above"))
    below = list(_marked(digest, "below"))
    allowed = "{n_tested|count} tests and a year of weekly looks"
    if not digest.n_tested:
        return "No sector has enough calls to be tested on its own yet."
    if not above and not below:
        return f"No sector stands out once {allowed} are allowed for."
    told = []
    if above:
        told.append(f"{_listed(above)} {'stand' if len(above) > 1 else 'stands'} out as better")
    if below:
        told.append(f"{_listed(below)} as worse" if above else f"{_listed(below)} stand out as worse")
    names = " and ".join(told)
    return (
        f"Once {allowed} are allowed for, {names} than chance at one horizon or more, daily or hourly (the tables say "
        "which); no other sector does."
    )


def _what_the_week_brought(digest: Digest) -> str:
    new = " and ".join(
        f"{{tracks.{number}.n_new_calls|count}} new {_every(track.timeframe)} calls"
        f" ({{tracks.{number}.n_flips|count}} of them flips)"
        for number, track in enumerate(digest.tracks)
        if track.vendor == digest.tracks[0].vendor
    )
    market = (
        ""
        if digest.regime is None or digest.regime.week_return is None
        else (" while the market, every scored token in equal parts, moved {regime.week_return|change}")
    )
    complete = "the data is complete" if digest.is_complete else "the data is not complete (see the end)"
    return f"The week brought {new}{market}; {complete}."


def _marked(digest: Digest, side: str) -> Iterable[str]:
    found: dict[str, str] = {}
    for number, track in enumerate(digest.tracks):
        for place, cell in enumerate(track.cells):
            if side in (cell.edge_mark, cell.selection_mark):
                # By its place, not by its name: somebody's words are no template.
                found.setdefault(cell.sector, f"{{tracks.{number}.cells.{place}.sector|text}}")
    return found.values()


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _every(timeframe: str) -> str:
    return {"1d": "daily", "1h": "hourly"}[timeframe]
