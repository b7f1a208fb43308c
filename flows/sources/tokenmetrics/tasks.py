"""What a run asks of each endpoint: which tokens, over which days or hours."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from flows.sources.base import Wanted
from flows.sources.tokenmetrics.endpoints import TOKENS, TOP_TOKENS, Endpoint, Grain, endpoints_of
from flows.sources.tokenmetrics.held import Held
from flows.sources.tokenmetrics.plan import DAY, HOUR, Window
from flows.sources.tokenmetrics.settings import TokenMetricsSettings


@dataclass(frozen=True)
class Task:
    """One endpoint and what to ask it about."""

    endpoint: Endpoint
    window: Window
    token_ids: tuple[int, ...]


def tasks_of(settings: TokenMetricsSettings, wanted: Wanted, held: Held, token_ids: tuple[int, ...]) -> list[Task]:
    """What a run that wants this asks of each endpoint."""
    is_hourly = "1d" not in wanted.timeframes
    asked = [one for one in endpoints_of(settings.version) if one.name not in settings.skip and one != TOP_TOKENS]
    if wanted.token_ids is None and settings.wanted_universe.kind in ("all", "category"):
        asked = [one for one in asked if one != TOKENS]  # The universe was read from it.
    if is_hourly:
        asked = [one for one in asked if one.timeframe == "1h" or (one == TOKENS and not held.token_ids)]
    elif "1h" not in wanted.timeframes:
        asked = [one for one in asked if one.timeframe != "1h"]
    if wanted.token_ids is not None:
        # The past of some tokens: what tells the present, or the market, is the same night's other reading's.
        asked = [one for one in asked if one.grain is Grain.TOKEN_DAY]
    if wanted.since is not None and is_of_the_past(wanted):
        until = wanted.until or wanted.as_of.date()
        window = Window(wanted.since, until, datetime.combine(wanted.since, datetime.min.time()))
        return tasks_for(asked, token_ids, days=window, is_past=until < wanted.as_of.date())
    if is_hourly:
        return tasks_for(asked, token_ids, days=hours_before(wanted.as_of, settings.hours_back))
    history = days_before(wanted.as_of, settings.history_days, n_hourly_days=settings.hourly_days)
    if held.newest is None:
        return tasks_for(asked, token_ids, days=history)
    since = min(wanted.since or held.newest, held.newest)
    n_days = min(settings.history_days, (wanted.as_of.date() - since).days)
    days = days_before(wanted.as_of, n_days, n_hourly_days=settings.hourly_days)
    new = frozenset(token_ids) - held.token_ids
    return tasks_for(asked, token_ids, days=days, new_token_ids=new, history=history)


def is_of_the_past(wanted: Wanted) -> bool:
    """Whether some days or tokens are wanted apart; from some day on, and of all tokens, is a night as any other."""
    return wanted.until is not None or wanted.token_ids is not None


def tasks_for(
    endpoints: Iterable[Endpoint],
    token_ids: tuple[int, ...],
    *,
    days: Window,
    new_token_ids: frozenset[int] = frozenset(),
    history: Window | None = None,
    is_past: bool = False,
) -> list[Task]:
    """What to ask each endpoint: the days wanted about all tokens, all of history about those that are new."""
    tasks = []
    for endpoint in endpoints:
        if is_past and not endpoint.has_dates:
            continue  # It tells the present alone.
        known = tuple(one for one in token_ids if one not in new_token_ids)
        fresh = tuple(one for one in token_ids if one in new_token_ids)
        if endpoint.grain is not Grain.TOKEN_DAY or history is None or not fresh:
            tasks.append(Task(endpoint, days, token_ids))
            continue
        tasks.append(Task(endpoint, history, fresh))
        if known:
            tasks.append(Task(endpoint, days, known))
    return tasks


def within_reach(task: Task, today: date, ohlcv_days: int) -> Task | None:
    """The part of a task that lies within so many days (0 is any number), where it asks for candles; None if none does.

    A day less than the server allows: it may already live in tomorrow.
    """
    window, first = task.window, today - DAY * (ohlcv_days - 1)
    if not ohlcv_days or not task.endpoint.is_ohlcv or window.since >= first:
        return task
    return replace(task, window=replace(window, since=first)) if window.until >= first else None


def days_before(moment: datetime, n_days: int, *, n_hourly_days: int) -> Window:
    """The window of `n_days` whole days before the day of `moment`, and that day."""
    today = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    hour = moment.replace(minute=0, second=0, microsecond=0)
    return Window((today - DAY * n_days).date(), today.date(), today - DAY * (n_hourly_days - 1), hour)


def hours_before(moment: datetime, n_hours: int) -> Window:
    """The window of the `n_hours` before the hour of `moment`, and that hour."""
    hour = moment.replace(minute=0, second=0, microsecond=0)
    first = hour - HOUR * n_hours
    return Window(first.date(), moment.date(), first, hour)
