"""The queries for some tokens and days, cut so that each answer fits on one page.

Rows of one date come in no stable order, so that a row at a page's border can be lost or come twice. Where the number
of rows is known beforehand (one a token, or one a token and day) a query asks for fewer than a page holds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil

from flows.sources.tokenmetrics.endpoints import Endpoint, Grain
from flows.sources.tokenmetrics.settings import TokenMetricsSettings

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
EPOCH = date(1970, 1, 1)

# The subject of a row: a token, or a token at a day or hour.
About = tuple[int, datetime | None]


@dataclass(frozen=True)
class Window:
    """The days from `since` to `until`, both included; the hours from `first_hour` to `last_hour` (or the end)."""

    since: date
    until: date
    first_hour: datetime
    last_hour: datetime | None = None

    @property
    def n_days(self) -> int:
        return (self.until - self.since).days + 1


@dataclass(frozen=True)
class Query:
    """One question, asked page by page. `round_number` counts how often the same question has been asked."""

    endpoint: Endpoint
    token_ids: tuple[int, ...] = ()
    since: date | None = None
    until: date | None = None
    first_hour: datetime | None = None
    extra: tuple[tuple[str, str], ...] = ()
    round_number: int = 1

    def params(self, page: int, settings: TokenMetricsSettings) -> dict[str, str]:
        """The parameters of one page."""
        params = dict(self.extra)
        if self.token_ids:
            params["token_id"] = ",".join(map(str, self.token_ids))
        if self.endpoint.has_dates and self.since and self.until:
            end = self.until + DAY if settings.end_is_excluded else self.until
            params |= {"startDate": self.since.isoformat(), "endDate": end.isoformat()}
        return params | {"limit": str(settings.page_limit), "page": str(page)}

    def expected(self, newest: datetime | None) -> set[About]:
        """The subjects of all rows that a complete answer has, up to the newest moment the server has."""
        match self.endpoint.grain:
            case Grain.TOKEN:
                return {(token_id, None) for token_id in self.token_ids}
            case Grain.TOKEN_DAY | Grain.TOKEN_HOUR:
                return {(token_id, at) for at in self._moments(newest) for token_id in self.token_ids}
            case _:
                return set()

    def _moments(self, newest: datetime | None) -> Iterator[datetime]:
        assert self.since is not None
        assert self.until is not None
        if newest is None:
            return
        step = DAY if self.endpoint.grain is Grain.TOKEN_DAY else HOUR
        at = max(_midnight(self.since), self.first_hour or datetime.min) if step is HOUR else _midnight(self.since)
        end = min(_midnight(self.until) + DAY, newest + step)
        while at < end:
            yield at
            at += step


def queries(
    endpoint: Endpoint,
    token_ids: tuple[int, ...],
    window: Window,
    settings: TokenMetricsSettings,
    *,
    round_number: int = 1,
) -> list[Query]:
    """The queries that bring an endpoint's rows about these tokens and days."""
    match endpoint.grain:
        case Grain.TOKEN:
            chunks = in_chunks(token_ids, min(settings.tokens_per_call, max(1, settings.page_limit - 1)))
            extra = (("expand", "exchange_list,category_list"),) if endpoint.dataset == "tokens" else ()
            extra = extra if settings.version == "v3" else ()
            return [Query(endpoint, chunk, extra=extra, round_number=round_number) for chunk in chunks]
        case Grain.TOKEN_DAY:
            return [
                Query(endpoint, chunk, since, until, round_number=round_number)
                for n_tokens, spans in (best_cut(len(token_ids), window, settings),)
                for since, until in spans
                for chunk in in_chunks(token_ids, n_tokens)
            ]
        case Grain.TOKEN_HOUR:
            return [
                Query(endpoint, chunk, since, until, first, round_number=round_number)
                for since, until, first, n_hours in hour_spans(endpoint, window)
                for chunk in in_chunks(token_ids, rows_fit(n_hours, settings))
            ]
        case Grain.DAY | Grain.INDEX_DAY:
            spans = day_spans(window, settings.days_per_call)
            return [Query(endpoint, (), since, until, round_number=round_number) for since, until in spans]
        case _:
            return [Query(endpoint, round_number=round_number)]


def queries_for_gaps(
    endpoint: Endpoint,
    gaps: set[About],
    known: set[int],
    window: Window,
    settings: TokenMetricsSettings,
    *,
    round_number: int,
) -> list[Query]:
    """The queries that ask again for missing rows, as few as possible: tokens that lack the same days share one.

    Several answers without a token's days are believed: of a longer gap only the days beside known rows are asked for
    again, as many as one query brings. `known` are the tokens with any row.
    """
    if endpoint.grain is not Grain.TOKEN_DAY:
        unseen = {about for about in gaps if about[0] not in known and about[1] is not None}
        # An hour costs as much as a day, so that tokens without any row are asked for by their last two hours first.
        newest = max((at for _, at in unseen if at is not None), default=window.first_hour)
        recent: set[About] = {(token_id, at) for token_id, at in unseen if at is not None and at >= newest - HOUR}
        return [
            query
            for some in (gaps - unseen, recent)
            for query in _around(endpoint, some, window, settings, round_number=round_number)
        ]
    days: dict[int, set[date]] = {}
    for token_id, at in gaps:
        assert at is not None
        days.setdefault(token_id, set()).add(at.date())
    merged: list[Query] = []
    runs = sorted(
        (*_clipped(run, window.since, settings.days_per_call), token_id)
        for token_id, some in days.items()
        for run in _runs(some)
    )
    for since, until, token_id in runs:
        if merged:
            last_query = merged[-1]
            assert last_query.since is not None
            assert last_query.until is not None
            union = max(until, last_query.until)
            n_days = (union - last_query.since).days + 1
            n_tokens = len({*last_query.token_ids, token_id})
            if n_days <= settings.days_per_call and n_tokens <= rows_fit(n_days, settings):
                ids = tuple(sorted({*last_query.token_ids, token_id}))
                merged[-1] = Query(endpoint, ids, last_query.since, union, round_number=round_number)
                continue
        merged.append(Query(endpoint, (token_id,), since, until, round_number=round_number))
    return merged


def _around(
    endpoint: Endpoint, gaps: set[About], window: Window, settings: TokenMetricsSettings, *, round_number: int
) -> list[Query]:
    """The queries from the first to the last moment that any of the tokens lacks."""
    if not gaps:
        return []
    token_ids = tuple(sorted({token_id for token_id, _ in gaps}))
    first = min((at for _, at in gaps if at is not None), default=window.first_hour)
    last = max((at for _, at in gaps if at is not None), default=window.last_hour)
    until = last.date() if last is not None else window.until
    return queries(endpoint, token_ids, Window(first.date(), until, first, last), settings, round_number=round_number)


def _runs(days: set[date]) -> list[tuple[date, date]]:
    """The days as first and last of spans without a break."""
    spans: list[tuple[date, date]] = []
    for day in sorted(days):
        if spans and day - spans[-1][1] == DAY:
            spans[-1] = (spans[-1][0], day)
        else:
            spans.append((day, day))
    return spans


def _clipped(run: tuple[date, date], oldest: date, longest: int) -> tuple[date, date]:
    """The part of a gap that one query brings: its end if it starts with the window, else its start."""
    since, until = run
    if (until - since).days < longest:
        return run
    if since == oldest:
        return until - DAY * (longest - 1), until
    return since, since + DAY * (longest - 1)


def rows_fit(rows_a_token: int, settings: TokenMetricsSettings) -> int:
    """The number of tokens whose rows fit on a page and leave it short, which marks it as the last."""
    return max(1, min(settings.tokens_per_call, (settings.page_limit - 1) // rows_a_token))


def best_cut(n_tokens: int, window: Window, settings: TokenMetricsSettings) -> tuple[int, list[tuple[date, date]]]:
    """Tokens a query and spans of days that need the fewest queries; of equals the longest spans."""

    def n_calls(n_days: int) -> int:
        return ceil(n_tokens / rows_fit(n_days, settings)) * ceil(window.n_days / n_days)

    longest = min(window.n_days, settings.days_per_call)
    n_days = min(range(longest, 0, -1), key=n_calls)
    return rows_fit(n_days, settings), day_spans(window, n_days)


def day_spans(window: Window, n_days: int) -> list[tuple[date, date]]:
    """The window in spans of `n_days` at most that share no day.

    Spans of a long window lie on a fixed grid, so that tomorrow's fetch of the same history asks the same questions and
    finds the pages that an interrupted one left.
    """
    spans = []
    since = window.since
    while since <= window.until:
        to_the_grid = DAY * (n_days - 1 - (since - EPOCH).days % n_days)
        until = window.until if window.n_days <= n_days else since + to_the_grid
        spans.append((since, min(until, window.until)))
        since = until + DAY
    return spans


def hour_spans(endpoint: Endpoint, window: Window) -> list[tuple[date, date, datetime, int]]:
    """Spans of hours: first and last day, the first hour wanted, and hours in it, the open one included.

    Where the endpoint takes dates each day is a span of its own; else one span pages back from now.
    """
    begin = max(window.first_hour, _midnight(window.since))
    end = window.last_hour or _midnight(window.until) + DAY - HOUR
    if not endpoint.has_dates:
        return [(window.since, window.until, begin, max(1, (end - begin) // HOUR + 1))]
    spans = []
    day = begin.date()
    while day <= window.until:
        first, last = max(begin, _midnight(day)), min(end, _midnight(day) + DAY - HOUR)
        spans.append((day, day, first, max(1, (last - first) // HOUR + 1)))
        day += DAY
    return spans


def in_chunks(token_ids: tuple[int, ...], size: int) -> list[tuple[int, ...]]:
    """The ids in order, `size` at a time."""
    return [token_ids[at : at + size] for at in range(0, len(token_ids), size)]


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)
