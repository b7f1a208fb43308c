"""The tasks of a request: for each endpoint which tokens, over which days or hours."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from flows.sources.base import FetchRequest
from flows.sources.tokenmetrics.coverage import Coverage
from flows.sources.tokenmetrics.endpoints import TOKENS, TOP_TOKENS, Endpoint, Grain, endpoints_of
from flows.sources.tokenmetrics.queries import DAY, HOUR, Window
from flows.sources.tokenmetrics.settings import TokenMetricsSettings


@dataclass(frozen=True)
class Task:
    """One endpoint, and the tokens and window to ask it about."""

    endpoint: Endpoint
    window: Window
    token_ids: tuple[int, ...]


def tasks_of(
    settings: TokenMetricsSettings, request: FetchRequest, coverage: Coverage, token_ids: tuple[int, ...]
) -> list[Task]:
    """The tasks of a request, given what is published already."""
    is_hourly = "1d" not in request.timeframes
    endpoints = [one for one in endpoints_of(settings.version) if one.name not in settings.skip and one != TOP_TOKENS]
    if request.token_ids is None and settings.wanted_universe.kind in ("all", "category"):
        endpoints = [one for one in endpoints if one != TOKENS]  # The universe was read from it.
    if is_hourly:
        endpoints = [one for one in endpoints if one.timeframe == "1h" or (one == TOKENS and not coverage.token_ids)]
    elif "1h" not in request.timeframes:
        endpoints = [one for one in endpoints if one.timeframe != "1h"]
    if request.token_ids is not None:
        # The past of some tokens: the present, and the market, belong to the other request of the same night.
        endpoints = [one for one in endpoints if one.grain is Grain.TOKEN_DAY]
    if request.since is not None and is_of_the_past(request):
        until = request.until or request.as_of.date()
        window = Window(request.since, until, datetime.combine(request.since, datetime.min.time()))
        return tasks_for(endpoints, token_ids, days=window, is_past=until < request.as_of.date())
    if is_hourly:
        return tasks_for(endpoints, token_ids, days=hours_before(request.as_of, settings.hours_back))
    history = days_before(request.as_of, settings.history_days, n_hourly_days=settings.hourly_days)
    if coverage.newest is None:
        return tasks_for(endpoints, token_ids, days=history)
    since = min(request.since or coverage.newest, coverage.newest)
    n_days = min(settings.history_days, (request.as_of.date() - since).days)
    days = days_before(request.as_of, n_days, n_hourly_days=settings.hourly_days)
    new = frozenset(token_ids) - coverage.token_ids
    return tasks_for(endpoints, token_ids, days=days, new_token_ids=new, history=history)


def is_of_the_past(request: FetchRequest) -> bool:
    """Whether the request is for some days or tokens apart from the usual night's."""
    return request.until is not None or request.token_ids is not None


def tasks_for(
    endpoints: Iterable[Endpoint],
    token_ids: tuple[int, ...],
    *,
    days: Window,
    new_token_ids: frozenset[int] = frozenset(),
    history: Window | None = None,
    is_past: bool = False,
) -> list[Task]:
    """A task an endpoint: these days for all tokens, or all of history for the new ones."""
    tasks = []
    for endpoint in endpoints:
        if is_past and not endpoint.has_dates:
            continue  # It has the present alone.
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
    """The part of a task for candles within so many days (0 is any number); None if none is. Other tasks stay whole.

    It is a day less than the server allows, because the server's clock may already be in tomorrow.
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
