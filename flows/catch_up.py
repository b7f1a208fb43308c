"""The requests of a run to its source: the newest days, missed days, and in turn the whole past of some tokens."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import groupby

import duckdb

from flows.config import Settings
from flows.errors import UsageError
from flows.run import Run
from flows.sources.base import FetchRequest
from flows.timeframes import DAILY, DAY_SECONDS, TIMEFRAMES
from flows.warehouse.connection import is_damage
from flows.warehouse.days import Day, read_days

# The states of a day that has all its rows.
WHOLE = frozenset({"complete", "backfilled"})

OLDEST = "select least((select min(bar_start) from core.price_bar), (select min(signal_at) from core.signal))::date"


def fetch_requests(run: Run) -> tuple[FetchRequest, ...]:
    """The requests of a run, in order. A source that always delivers everything gets one.

    Any other gets a request for the last `reread_days`, longer where the catch-up policy fills an older missed day;
    and, if `reread_parts` is not 0, one for the whole daily history of every `reread_parts`-th token, others each day.
    A backfill requests the days of its range that lack rows, which may be none. Missed days are read from the published
    file, unless an earlier version published it. Nothing is caught up before the first publish, while that file is
    damaged, and in a run for some hours only.
    """
    everything = run.request
    is_part = run.timeframes != run.settings.timeframes or (run.since is not None and run.until is None)
    if run.source.delivers_whole or is_part or not run.settings.published.exists():
        return (everything,)
    try:
        with duckdb.connect(str(run.settings.published), read_only=True) as file:
            days = _days(file, run)
            (oldest,) = file.execute(OLDEST).fetchone() or (None,)
            token_ids = [
                token_id for (token_id,) in file.execute("select distinct token_id from core.token").fetchall()
            ]
    except duckdb.Error as error:
        if is_damage(error):
            return (everything,)
        raise
    if run.since is not None and run.until is not None:
        vendors = (None, run.source.vendor)
        own = [day for day in days if day.vendor in vendors and day.dataset not in run.source.no_history]
        return tuple(replace(everything, since=first, until=last) for first, last in gaps(own, run.since, run.until))
    today = run.as_of.date()
    missed = missed_days(days, run.source.no_history, run.settings, today)
    since = min([today - timedelta(days=run.settings.reread_days), *missed])
    newest = replace(everything, since=since)
    part = part_of(token_ids, run.settings.reread_parts, today)
    if not part or oldest is None or oldest >= since:
        return (newest,)
    return newest, replace(everything, timeframes=(DAILY,), since=oldest, token_ids=part)


def _days(file: duckdb.DuckDBPyConnection, run: Run) -> list[Day]:
    """The states of the days, or none where an earlier version published the file."""
    try:
        return read_days(file, run.settings, run.as_of)
    except UsageError:
        return []


def missed_days(days: list[Day], no_history: frozenset[str], settings: Settings, today: date) -> list[date]:
    """The days without all their rows that the source can still fill, oldest first.

    Of the days without any row, those in the state `late`, which follows from the policy. Of the partial ones, those
    that the same policy would fill: a token that has left for good must not cost requests every night.
    """
    fillable = [day for day in days if day.dataset not in no_history]
    late = {day.bar_start.date() for day in fillable if day.state == "late"}
    oldest = today - timedelta(days=settings.catch_up_max_age_days)
    in_part = [day for day in fillable if day.state == "partial" and day.bar_start.date() >= oldest]
    match settings.catch_up:
        case "skip":
            in_part = []
        case "latest":
            in_part = list({(day.dataset, day.vendor, day.timeframe): day for day in in_part}.values())
        case "all":
            pass
    return sorted(late | {day.bar_start.date() for day in in_part})


def gaps(days: list[Day], since: date, until: date) -> list[tuple[date, date]]:
    """The stretches of `since`..`until` in which some feed lacks rows.

    A feed that does not reach back to a day counts as lacking it: its past may be what is requested.
    """
    feeds = {(day.dataset, day.vendor, day.timeframe) for day in days}
    states: dict[date, dict[tuple[str, str | None, str], set[str]]] = {}
    for day in days:
        n_days = max(1, TIMEFRAMES[day.timeframe].seconds // DAY_SECONDS)
        for at in (day.bar_start.date() + timedelta(days=n) for n in range(n_days)):
            of_feeds = states.setdefault(at, {})
            of_feeds.setdefault((day.dataset, day.vendor, day.timeframe), set()).add(day.state)

    def is_whole(day: date) -> bool:
        of_day = states.get(day, {})
        return bool(feeds) and of_day.keys() == feeds and all(seen <= WHOLE for seen in of_day.values())

    lacking = [day for day in (since + timedelta(days=n) for n in range((until - since).days + 1)) if not is_whole(day)]
    # Days that follow each other have the same distance to their place in the list.
    stretches = groupby(enumerate(lacking), key=lambda placed: placed[1] - timedelta(days=placed[0]))
    found = [[day for _, day in stretch] for _, stretch in stretches]
    return [(stretch[0], stretch[-1]) for stretch in found]


def part_of(token_ids: list[int], n_parts: int, today: date) -> frozenset[int]:
    """The tokens whose turn it is: each has its day once in `n_parts` days. None where `n_parts` is 0."""
    if n_parts == 0:
        return frozenset()
    turn = today.toordinal() % n_parts
    return frozenset(token_id for token_id in token_ids if token_id % n_parts == turn)
