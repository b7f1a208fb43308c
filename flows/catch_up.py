"""What a run asks its source for: the newest days, what was missed, and in turn the whole past of some tokens."""

from dataclasses import replace
from datetime import date, timedelta

import duckdb

from flows.config import TIMEFRAMES, Settings
from flows.run import Run
from flows.sources.base import Wanted
from flows.warehouse.connection import is_damage
from flows.warehouse.days import Day, read_days

OLDEST = "select least((select min(bar_start) from core.price_bar), (select min(signal_at) from core.signal))::date"


def readings(run: Run) -> tuple[Wanted, ...]:
    """The fetches of a run, in order. A source that delivers whole is asked once, for everything.

    Any other is asked for the last `reread_days` again, further back where a day that the catch-up policy fills was
    missed; and, if `reread_parts` is not 0, for the whole daily history of every `reread_parts`-th token, others each
    day. What was missed is read from the published file; before the first publish, where that file is damaged (the run
    sets it aside), and in a run that asks for some hours or days only, there is nothing to catch up with.
    """
    everything = run.wanted
    is_part = run.timeframes != TIMEFRAMES or run.since is not None
    if run.source.delivers_whole or is_part or not run.settings.published.exists():
        return (everything,)
    try:
        with duckdb.connect(str(run.settings.published), read_only=True) as file:
            days = read_days(file, run.settings, run.as_of)
            (oldest,) = file.execute(OLDEST).fetchone() or (None,)
            token_ids = [
                token_id for (token_id,) in file.execute("select distinct token_id from core.token").fetchall()
            ]
    except duckdb.Error as error:
        if is_damage(error):
            return (everything,)
        raise
    today = run.as_of.date()
    missed = missed_days(days, run.source.no_history, run.settings, today)
    since = min([today - timedelta(days=run.settings.reread_days), *missed])
    newest = replace(everything, since=since)
    part = part_of(token_ids, run.settings.reread_parts, today)
    if not part or oldest is None or oldest >= since:
        return (newest,)
    return newest, replace(everything, timeframes=("1d",), since=oldest, token_ids=part)


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


def part_of(token_ids: list[int], n_parts: int, today: date) -> frozenset[int]:
    """The tokens whose turn it is: each has its day once in `n_parts` days. None where `n_parts` is 0."""
    if n_parts == 0:
        return frozenset()
    turn = today.toordinal() % n_parts
    return frozenset(token_id for token_id in token_ids if token_id % n_parts == turn)
