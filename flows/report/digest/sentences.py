"""The three opening sentences, made from the numbers: how good the calls are, where, and what the week brought."""

from collections.abc import Iterable

from flows.report.digest.document import difference, estimate
from flows.report.digest.model import Cell, Digest, Estimate, Track
from flows.report.digest.parts import is_shared
from flows.timeframes import DEFAULT, TIMEFRAMES

# A sentence that names more sectors of several vendors than this is a table.
MOST_NAMED = 4


def with_sentences(digest: Digest) -> Digest:
    """The digest with the sentences that its own figures give it."""
    return digest.model_copy(update={"sentences": three_sentences(digest)})


def three_sentences(digest: Digest) -> tuple[str, ...]:
    """Templates of the three sentences; `Writer.text` fills them in."""
    if not digest.tracks:
        return ("No call has been scored yet, so there is nothing to say about how good the signals are.",)
    tracks = [number for number, track in enumerate(digest.tracks) if track.vendor == digest.tracks[0].vendor]
    how_good = _of_all(digest) if digest.ranking else " ".join(_how_good(digest, number) for number in tracks)
    return (how_good, _where(digest), _what_the_week_brought(digest, tracks))


def bars(n: int, timeframe: str) -> str:
    """A number of bars in words: `14 days`."""
    return f"{n} {TIMEFRAMES[timeframe].noun}{'' if n == 1 else 's'}"


def verdict(edge: Estimate | None) -> str:
    """The conclusion that an edge's interval allows, in words."""
    if edge is None or edge.low is None or edge.high is None:
        return "whether that is more than chance cannot be told"
    if edge.low > 0:
        return "more than chance would explain"
    if edge.high < 0:
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


def _of_all(digest: Digest) -> str:
    """How many of many vendors stand out, and who is first among them."""
    judged = (
        "Of {n_vendors|count} vendors {n_judged|count} have enough calls that could be traded; once all of them and "
        "every weekly look are allowed for, {n_better|count} chose tokens better than chance and {n_worse|count} worse."
    )
    first = digest.ranking[0]
    every = f"{{ranking.0.vendor|text}}, {TIMEFRAMES[first.timeframe].adjective} calls held for "
    every += bars(first.horizon, first.timeframe)
    if first.selection is not None:
        mark = {"above": "which stands out", "below": "which stands out as worse", None: "which may be luck"}
        return (
            f"{judged} First is {every}: a selection edge of {difference('ranking.0.selection')} points "
            f"(n = {{ranking.0.n_calls|count}}), {mark[first.mark]} among so many."
        )
    if first.next_open_selection is not None:
        return (
            f"{judged} As they report themselves, entered at the next open, first is {every}: a selection edge of "
            f"{difference('ranking.0.next_open_selection')} points (n = {{ranking.0.next_open_n_calls|count}}), which "
            "nobody may have been able to trade."
        )
    return judged


def _how_good(digest: Digest, number: int) -> str:
    track = digest.tracks[number]
    cell, at = headline_place(digest, number)
    every = TIMEFRAMES[track.timeframe].adjective.capitalize()
    whose = f" of {{tracks.{number}.vendor|text}}" if number == 0 or is_shared(digest) else ""
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
        f"{difference(f'{at}.edge')} points, {verdict(cell.edge)}{_what_could_be_traded(track, number, cell)}."
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
        f"(n = {{{at}.n_calls|count}}), {verdict(track.provenances[place].edge)}"
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
    above, below = list(_marked(digest, "above")), list(_marked(digest, "below"))
    most = MOST_NAMED if is_shared(digest) else max(len(above), len(below))
    allowed = "{n_tested|count} tests and a year of weekly looks"
    if not digest.n_tested:
        return "No sector has enough calls to be tested on its own yet."
    if not above and not below:
        return f"No sector stands out once {allowed} are allowed for."
    parts = []
    if above:
        parts.append(f"{_listed(above, most)} {'stand' if len(above) > 1 else 'stands'} out as better")
    if below:
        parts.append(f"{_listed(below, most)} as worse" if above else f"{_listed(below, most)} stand out as worse")
    names = " and ".join(parts)
    whose = " of the vendors below" if digest.ranking else ""
    end = f"(the tables say which); no other sector{whose} does"
    if max(len(above), len(below)) > most:
        end = "(the tables have all of them)"
    timeframes = dict.fromkeys((*DEFAULT, *(track.timeframe for track in digest.tracks)))
    which = " or ".join(TIMEFRAMES[name].adjective for name in timeframes)
    return f"Once {allowed} are allowed for, {names} than chance at one horizon or more, {which} {end}."


def _what_the_week_brought(digest: Digest, tracks: list[int]) -> str:
    market, covered = "", place_of_all(digest, 0)
    new = _new_calls(digest, tracks)
    if digest.regime is not None and digest.regime.week_return is not None:
        market = (
            " while the market, all {regime.n_tokens|count} scored tokens in equal parts, moved "
            "{regime.week_return|change}"
        )
        if covered and not digest.ranking:
            who = "{tracks.0.vendor|text}" if is_shared(digest) else "the vendor"
            market += (
                f" (the {{{covered}.n_tokens|count}} that {who} covers: {{{covered}.equal_weight.week_return|change}})"
            )
    complete = "the data is complete" if digest.is_complete else "the data is not complete (see the end)"
    return f"The week brought {new}{market}; {complete}."


def _new_calls(digest: Digest, tracks: list[int]) -> str:
    """The week's calls: of the one vendor, or of all and, where they are few, of the first."""
    every = "{n_new_calls|count} new calls of all {n_vendors|count} vendors"
    if digest.ranking:
        return every
    of_first = " and ".join(
        f"{{tracks.{number}.n_new_calls|count}} new {TIMEFRAMES[digest.tracks[number].timeframe].adjective} calls"
        f" ({{tracks.{number}.n_flips|count}} of them flips)"
        for number in tracks
    )
    return f"{every}, of {{tracks.0.vendor|text}} {of_first}" if is_shared(digest) else of_first


def _marked(digest: Digest, side: str) -> Iterable[str]:
    found: dict[tuple[str, str], str] = {}
    for number, track in enumerate(digest.tracks):
        for place, cell in enumerate(track.cells):
            if side in (cell.edge_mark, cell.selection_mark):
                # Names by their paths, because they might contain template syntax.
                sector = f"{{tracks.{number}.cells.{place}.sector|text}}"
                whose = f" of {{tracks.{number}.vendor|text}}" if is_shared(digest) else ""
                found.setdefault((track.vendor if whose else "", cell.sector), sector + whose)
    return found.values()


def _listed(names: list[str], most: int) -> str:
    if len(names) > most:
        return f"{', '.join(names[:most])} and others"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
