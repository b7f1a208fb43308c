"""The three opening sentences, made from the numbers: how good the calls are, where, and what the week brought."""

from collections.abc import Iterable

from flows.report.digest.document import difference, estimate
from flows.report.digest.model import Cell, Digest, Provenance, Track
from flows.timeframes import DEFAULT, TIMEFRAMES


def with_sentences(digest: Digest) -> Digest:
    """The digest with the sentences that its own figures give it."""
    return digest.model_copy(update={"sentences": three_sentences(digest)})


def three_sentences(digest: Digest) -> tuple[str, ...]:
    """Templates of the three sentences; `Writer.text` fills them in."""
    if not digest.tracks:
        return ("No call has been scored yet, so there is nothing to say about how good the signals are.",)
    tracks = [number for number, track in enumerate(digest.tracks) if track.vendor == digest.tracks[0].vendor]
    how_good = " ".join(_how_good(digest, number) for number in tracks)
    return (how_good, _where(digest), _what_the_week_brought(digest, tracks))


def bars(n: int, timeframe: str) -> str:
    """A number of bars in words: `14 days`."""
    return f"{n} {TIMEFRAMES[timeframe].noun}{'' if n == 1 else 's'}"


def verdict(cell: Cell | Provenance) -> str:
    """The conclusion that an edge's interval allows, in words."""
    if cell.edge is None or cell.edge.low is None or cell.edge.high is None:
        return "whether that is more than chance cannot be told"
    if cell.edge.low > 0:
        return "more than chance would explain"
    if cell.edge.high < 0:
        return "worse than chance would explain"
    return "which chance alone can explain"


def headline_place(digest: Digest, number: int) -> tuple[Cell, str]:
    """The cell of the first sentence, and its path: the pooled one at the main horizon, also while it is too small."""
    track = digest.tracks[number]
    return next(
        (cell, f"tracks.{number}.cells.{place}")
        for place, cell in enumerate(track.cells)
        if (cell.sector, cell.direction, cell.horizon) == ("all", "both", track.main_horizon)
    )


def place_of_all(digest: Digest, number: int) -> str | None:
    """The path of a track's curves over all sectors, or None."""
    sectors = [curves.sector for curves in digest.tracks[number].curves]
    return f"tracks.{number}.curves.{sectors.index('all')}" if "all" in sectors else None


def _how_good(digest: Digest, number: int) -> str:
    track = digest.tracks[number]
    cell, at = headline_place(digest, number)
    every = TIMEFRAMES[track.timeframe].adjective.capitalize()
    whose = f" of {{tracks.{number}.vendor|text}}" if number == 0 else ""
    calls = f"{every} calls{whose}, held for {bars(cell.horizon, track.timeframe)}"
    if cell.hit_rate is None:
        enough = f", enough around {{{at}.enough_date|month}} at the present pace" if cell.enough_date else ""
        return (
            f"{calls}: too few to judge (n = {{{at}.n_calls|count}}, worth {{{at}.n_effective|count}} "
            f"independent ones, in {{{at}.n_clusters|count}} separate stretches of time{enough}); no hit rate can be "
            "trusted yet."
        )
    return (
        f"{calls}: of n = {{{at}.n_calls|count}} scored, {estimate(f'{at}.hit_rate')} made money after costs"
        f"{_worth(cell, at)}, of any entries in the same tokens {{{at}.base_rate|percent}}: an edge of "
        f"{difference(f'{at}.edge')} points, {verdict(cell)}{_what_could_be_traded(track, number, cell)}."
    )


def _worth(cell: Cell, at: str) -> str:
    """The effective number of calls, where it is smaller than their number."""
    if cell.n_effective is None or round(cell.n_effective) >= cell.n_calls:
        return ""
    return f" (as they overlap, they count for {{{at}.n_effective|count}})"


def _what_could_be_traded(track: Track, number: int, cell: Cell) -> str:
    """The edge under the entry rule `tradable`: entered once the signal was known."""
    places = _provenance_places(track)
    place = places.get(("all", "tradable"))
    if cell.horizon != track.main_horizon or place is None or track.provenances[place].edge is None:
        return ""
    at = f"tracks.{number}.provenances.{place}"
    return (
        f"; entered once the signal was known, as one could trade, {difference(f'{at}.edge')} points "
        f"(n = {{{at}.n_calls|count}}), {verdict(track.provenances[place])}"
    )


def like_for_like(track: Track, number: int) -> str:
    """The edge of the same calls under both entry rules, and the number of backfilled calls."""
    places = _provenance_places(track)
    parts = []
    for provenance in ("witnessed", "attested"):
        pair = [places.get((provenance, entry_rule)) for entry_rule in ("next_open", "tradable")]
        edges = [
            f"{difference(f'{at}.edge')} points (n = {{{at}.n_calls|count}})"
            for place in pair
            if place is not None and track.provenances[place].edge is not None
            for at in [f"tracks.{number}.provenances.{place}"]
        ]
        if len(edges) == len(pair):
            parts.append(
                f"Of the calls {provenance} in time the edge was {edges[0]} entered at the next open, the vendor's "
                f"best case, and {edges[1]} entered once the signal was known."
            )
    late = places.get(("backfill", "next_open"))
    if parts and late is not None:
        parts.append(f"The other {{tracks.{number}.provenances.{late}.n_calls|count}} (backfill) nobody could trade.")
    return " ".join(parts)


def _provenance_places(track: Track) -> dict[tuple[str, str], int]:
    return {(one.provenance, one.entry_rule): place for place, one in enumerate(track.provenances)}


def _where(digest: Digest) -> str:
    above = list(_marked(digest, "above"))
    below = list(_marked(digest, "below"))
    allowed = "{n_tested|count} tests and a year of weekly looks"
    if not digest.n_tested:
        return "No sector has enough calls to be tested on its own yet."
    if not above and not below:
        return f"No sector stands out once {allowed} are allowed for."
    parts = []
    if above:
        parts.append(f"{_listed(above)} {'stand' if len(above) > 1 else 'stands'} out as better")
    if below:
        parts.append(f"{_listed(below)} as worse" if above else f"{_listed(below)} stand out as worse")
    names = " and ".join(parts)
    timeframes = dict.fromkeys((*DEFAULT, *(track.timeframe for track in digest.tracks)))
    which = " or ".join(TIMEFRAMES[name].adjective for name in timeframes)
    return (
        f"Once {allowed} are allowed for, {names} than chance at one horizon or more, {which} (the tables say "
        "which); no other sector does."
    )


def _what_the_week_brought(digest: Digest, tracks: list[int]) -> str:
    new = " and ".join(
        f"{{tracks.{number}.n_new_calls|count}} new {TIMEFRAMES[digest.tracks[number].timeframe].adjective} calls"
        f" ({{tracks.{number}.n_flips|count}} of them flips)"
        for number in tracks
    )
    market, covered = "", place_of_all(digest, 0)
    if digest.regime is not None and digest.regime.week_return is not None:
        market = (
            " while the market, all {regime.n_tokens|count} scored tokens in equal parts, moved "
            "{regime.week_return|change}"
        )
        if covered:
            market += (
                f" (the {{{covered}.n_tokens|count}} that the vendor covers: "
                f"{{{covered}.equal_weight.week_return|change}})"
            )
    complete = "the data is complete" if digest.is_complete else "the data is not complete (see the end)"
    return f"The week brought {new}{market}; {complete}."


def _marked(digest: Digest, side: str) -> Iterable[str]:
    found: dict[str, str] = {}
    for number, track in enumerate(digest.tracks):
        for place, cell in enumerate(track.cells):
            if side in (cell.edge_mark, cell.selection_mark):
                # The sector by its path, because its name might contain template syntax.
                found.setdefault(cell.sector, f"{{tracks.{number}.cells.{place}.sector|text}}")
    return found.values()


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
