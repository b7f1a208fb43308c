"""What a run asks its source for: the newest days, what was missed, and in turn the whole past of some tokens."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import groupby

import duckdb

from flows.config import Settings
from flows.errors import UsageError
from flows.run import Run
from flows.sources.base import Wanted
from flows.timeframes import DAILY, DAY_SECONDS, TIMEFRAMES
from flows.warehouse.connection import is_damage
from flows.warehouse.days import Day, read_days

# The states of a day of which nothing is wanting.
WHOLE = frozenset({"complete", "backfilled"})

OLDEST = "select least((select min(bar_start) from core.price_bar), (select min(signal_at) from core.signal))::date"


def readings(run: Run) -> tuple[Wanted, ...]:
    """The fetches of a run, in order. A source that delivers whole is asked once, for everything.

    Any other is asked for the last `reread_days` again, further back where a day that the catch-up policy fills was
    missed; and, if `reread_parts` is not 0, for the whole daily history of every `reread_parts`-th token, others each
    day. A backfill asks for the days of its range that are not whole; none of them may be left. What was missed is read
    from the published file, unless an earlier version published it; before the first publish, where that file is
    damaged (the run sets it aside), and in a run that asks for some hours only, there is nothing to catch up with.
    """
    everything = run.wanted
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
    """The states of the days, as far as the published file can tell them."""
    try:
        return read_days(file, run.settings, run.as_of)
    except UsageError:
        return []


def missed_days(days: list[Day], no_history: frozenset[str], settings: Settings, today: date) -> list[date]:
    """The days that are not there and that the source can still fill, oldest first.

    Of the days without a row those that are late: the policy has said so. Of those that are there in part the ones that
    the same policy would fill; a token that has left for good must not keep its days being paid for, night after night.
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
    """The stretches of `since`..`until` without the days that are whole: every feed was told in full, on all its bars.

    A feed that does not reach back to a day is not whole there: its past may be what is wanted.
    """
    feeds = {(day.dataset, day.vendor, day.timeframe) for day in days}
    states: dict[date, dict[tuple[str, str | None, str], set[str]]] = {}
    for day in days:
        n_days = max(1, TIMEFRAMES[day.timeframe].seconds // DAY_SECONDS)
        for at in (day.bar_start.date() + timedelta(days=n) for n in range(n_days)):
            of_feeds = states.setdefault(at, {})
            of_feeds.setdefault((day.dataset, day.vendor, day.timeframe), set()).add(day.state)

    def is_whole(day: date) -> bool:
        told = states.get(day, {})
        return bool(feeds) and told.keys() == feeds and all(seen <= WHOLE for seen in told.values())

    wanting = [day for day in (since + timedelta(days=n) for n in range((until - since).days + 1)) if not is_whole(day)]
    # Days that follow each other have the same distance to their place in the list.
    stretches = groupby(enumerate(wanting), key=lambda placed: placed[1] - timedelta(days=placed[0]))
    found = [[day for _, day in stretch] for _, stretch in stretches]
    return [(stretch[0], stretch[-1]) for stretch in found]


def part_of(token_ids: list[int], n_parts: int, today: date) -> frozenset[int]:
    """The tokens whose turn it is: each has its day once in `n_parts` days. None where `n_parts` is 0."""
    if n_parts == 0:
        return frozenset()
    turn = today.toordinal() % n_parts
    return frozenset(token_id for token_id in token_ids if token_id % n_parts == turn)
