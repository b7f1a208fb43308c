"""What a run asks its source for: the newest days, what was missed, and in turn the whole past of some tokens."""

from dataclasses import replace
from datetime import date, timedelta

import duckdb

from flows.config import TIMEFRAMES
from flows.run import Run
from flows.sources.base import Wanted
from flows.warehouse.days import Day, read_days

# What another fetch may fill.
NOT_THERE = ("late", "partial")

OLDEST = "select least((select min(bar_start) from core.price_bar), (select min(signal_at) from core.signal))::date"


def readings(run: Run) -> tuple[Wanted, ...]:
    """The fetches of a run, in order. A source that delivers whole is asked once, for everything.

    Any other is asked for the last `reread_days` again, further back where a day that the catch-up policy fills was
    missed; and, if `reread_parts` is not 0, for the whole daily history of every `reread_parts`-th token, others each
    day. What was missed is read from the published file; before the first publish, and in a run that asks for some
    hours or days only, there is nothing to catch up with.
    """
    everything = run.wanted
    is_part = run.timeframes != TIMEFRAMES or run.since is not None
    if run.source.delivers_whole or is_part or not run.settings.published.exists():
        return (everything,)
    with duckdb.connect(str(run.settings.published), read_only=True) as file:
        missed = missed_days(read_days(file, run.settings, run.as_of), run.source.no_history)
        (oldest,) = file.execute(OLDEST).fetchone() or (None,)
        token_ids = [token_id for (token_id,) in file.execute("select distinct token_id from core.token").fetchall()]
    today = run.as_of.date()
    since = min([today - timedelta(days=run.settings.reread_days), *missed])
    newest = replace(everything, since=since)
    part = part_of(token_ids, run.settings.reread_parts, today)
    if not part or oldest is None or oldest >= since:
        return (newest,)
    return newest, replace(everything, timeframes=("1d",), since=oldest, token_ids=part)


def missed_days(days: list[Day], no_history: frozenset[str]) -> list[date]:
    """The days that are not there and that the source can still fill, oldest first."""
    return sorted({day.bar_start.date() for day in days if day.state in NOT_THERE and day.dataset not in no_history})


def part_of(token_ids: list[int], n_parts: int, today: date) -> frozenset[int]:
    """The tokens whose turn it is: each has its day once in `n_parts` days. None where `n_parts` is 0."""
    if n_parts == 0:
        return frozenset()
    turn = today.toordinal() % n_parts
    return frozenset(token_id for token_id in token_ids if token_id % n_parts == turn)
