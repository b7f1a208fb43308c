"""Paging: an answer is read to its end, and again where expected rows are missing.

The vendor gives no total. Lost rows show in three ways: a requested token or day without a row, a row that came twice
(another was then pushed over the border), a short page that was not the last.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from flows.errors import RequestRefused, SourceError
from flows.sources.tokenmetrics.aliases import our_names
from flows.sources.tokenmetrics.endpoints import Endpoint, Grain
from flows.sources.tokenmetrics.faults import Fault
from flows.sources.tokenmetrics.pages import Page
from flows.sources.tokenmetrics.parse import identifier, moment
from flows.sources.tokenmetrics.queries import About, Query
from flows.sources.tokenmetrics.settings import TokenMetricsSettings

MAX_ROUNDS = 3
# In place of a token, where a row is about all of them.
WHOLE_MARKET = 0

# The key of a row of an endpoint: its token, its moment, both, or a hash of all of it.
Key = int | datetime | tuple[int, datetime] | str

# A page of an answer, and its rows, which the page itself has only compressed.
GetPage = Callable[[Query, int], Awaitable[tuple[Page, list[Any]]]]


@dataclass
class QueryResult:
    """The result of one query: its pages in order, the subjects of its rows and their newest moment.

    `n_rows` counts the rows of each page with new ones, `n_repeated` those of them that came twice.
    """

    query: Query
    pages: list[Page] = field(default_factory=list)
    keys: set[Key] = field(default_factory=set)
    about: set[About] = field(default_factory=set)
    newest: datetime | None = None
    n_repeated: int = 0
    n_rows: list[int] = field(default_factory=list)

    @property
    def has_lost_rows(self) -> bool:
        """Whether a row came twice over a border, which pushed another past it, or a page before the last shrank."""
        return len(self.n_rows) > 1 and (self.n_repeated > 0 or min(self.n_rows[:-1]) < max(self.n_rows))


async def read(query: Query, get_page: GetPage, settings: TokenMetricsSettings, *, stop_at: int = 0) -> QueryResult:
    """Read page after page until one is short, has nothing new, or everything requested (`stop_at` rows) is there.

    A list ends only at a page without new rows, because a short page of a list may not be its last. Raises SourceError
    where the pages do not end, RequestRefused where the server does not understand; a refused page after a short one
    lies beyond the end.
    """
    result = QueryResult(query)
    n_rows = settings.page_limit
    for number in range(settings.first_page, settings.first_page + settings.max_pages):
        try:
            page, rows = await get_page(query, number)
        except RequestRefused:
            if n_rows < settings.page_limit:
                return result
            raise
        n_rows = len(rows)
        n_new = add(result, page, rows)
        if number == 1 and settings.first_page == 0 and not n_new and rows:
            continue  # The server takes page 0 for page 1: this is the first one again.
        if not n_new or query.endpoint.is_newest_page or (stop_at and len(result.keys) >= stop_at):
            return result
        if query.endpoint.grain is Grain.LIST:
            continue
        if n_rows < settings.page_limit or _has_all(result, rows) or _is_older(result, rows):
            return result
    raise SourceError(
        f"{query.endpoint.name} has not ended after {settings.max_pages} pages, each with new rows "
        f"(docs/errors.md, {Fault.ENDLESS.value}). Ask for less, or raise TOKENMETRICS_MAX_PAGES."
    )


async def read_list(
    query: Query, get_page: GetPage, settings: TokenMetricsSettings, *, at_least: int = 0, stop_at: int = 0
) -> list[Page]:
    """Read all of a list, or its first `stop_at` rows; again while the result has lost rows or is too short.

    A list without a row is asked for once more. Pages of later rounds come last, so that their rows win.
    """
    pages: list[Page] = []
    keys: set[Key] = set()
    for number in range(1, MAX_ROUNDS + 1):
        result = await read(replace(query, round_number=number), get_page, settings, stop_at=stop_at)
        pages += result.pages
        n_before = len(keys)
        keys |= result.keys
        if number > 1 and len(keys) == n_before:
            break
        if 0 < len(keys) >= at_least and not result.has_lost_rows:
            break
    return pages


def lacks_days(result: QueryResult) -> bool:
    """Whether a day between the first requested and the newest received is missing, or nothing came."""
    query = result.query
    if result.newest is None or query.since is None or query.until is None:
        return not result.keys
    n_days = (min(result.newest.date(), query.until) - query.since).days + 1
    return len({at.date() for _, at in result.about if at is not None and at.date() >= query.since}) < n_days


def missing(results: Iterable[QueryResult]) -> set[About]:
    """The requested subjects without a row, up to the newest moment that came for any token."""
    all_results = list(results)
    newest = max((result.newest for result in all_results if result.newest), default=None)
    expected: set[About] = set()
    about: set[About] = set()
    for result in all_results:
        expected |= result.query.expected(newest)
        about |= result.about
    return expected - about


def beyond_the_newest(results: Iterable[QueryResult]) -> list[Query]:
    """The queries without rows that lie after the newest moment that came for any token, if any came."""
    all_results = list(results)
    newest = max((result.newest for result in all_results if result.newest), default=None)
    if newest is None:
        return []
    return [result.query for result in all_results if not result.keys and not result.query.expected(newest)]


def row_key(endpoint: Endpoint, row: Mapping[str, Any]) -> tuple[Key, About | None]:
    """The key of a row, and the token and moment that are its subject."""
    ids, moments = _key_fields(endpoint.name, endpoint.moment, tuple(row))
    token_id = identifier(_first_value(row, ids))
    at = moment(_first_value(row, moments))
    if type(token_id) is int:
        if endpoint.grain in (Grain.TOKEN, Grain.LIST):
            return token_id, (token_id, None)
        if type(at) is datetime:
            return (token_id, at), (token_id, _start_of(at, endpoint.grain))
    if isinstance(at, datetime) and token_id is None:
        return at, (WHOLE_MARKET, _start_of(at, endpoint.grain))
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest(), None


@lru_cache(maxsize=1024)
def _key_fields(
    endpoint: str, moment_name: str | None, names: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fields of a row with its token (or index), and those with its moment."""
    ours = our_names(names, endpoint)
    wanted = ("token_id" if "token_id" in ours else "id", moment_name)
    ids, moments = (tuple(name for name, our in zip(names, ours, strict=True) if our == one) for one in wanted)
    return ids, moments


def _first_value(row: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    if len(names) == 1:
        return row[names[0]]
    return next((row[name] for name in names if row[name] is not None), None)


def add(result: QueryResult, page: Page, rows: list[Any]) -> int:
    """Add a page to a result; return how many of its rows are new."""
    result.pages.append(page)
    n_before = len(result.keys)
    for row in rows:
        if isinstance(row, dict):
            key, about = row_key(result.query.endpoint, row)
            result.keys.add(key)
            if about is not None:
                result.about.add(about)
                at = about[1]
                if at is not None and (result.newest is None or at > result.newest):
                    result.newest = at
    n_new = len(result.keys) - n_before
    # Some servers repeat the last page beyond the end: a page without new rows pushed nothing over a border.
    if n_new:
        result.n_rows.append(len(rows))
        result.n_repeated += len(rows) - n_new
    return n_new


def _has_all(result: QueryResult, rows: list[Any]) -> bool:
    """Whether every token has come at every moment requested, so that an older page would add nothing."""
    if result.query.endpoint.grain is not Grain.TOKEN and not _oldest_last(result, rows):
        return False  # What is to come may be newer than all that came.
    expected = result.query.expected(result.newest)
    return bool(expected) and expected <= result.about


def _is_older(result: QueryResult, rows: list[Any]) -> bool:
    """Whether a page ends before the first hour requested and the newest rows came first: the rest is older still."""
    wanted_from = result.query.first_hour
    if wanted_from is None or result.query.endpoint.has_dates:
        return False
    oldest = _oldest_last(result, rows)
    return oldest is not None and oldest < wanted_from


def _oldest_last(result: QueryResult, rows: list[Any]) -> datetime | None:
    """The moment of a page's last row, if it is older than the newest that came; else the order is unknown."""
    about = row_key(result.query.endpoint, rows[-1])[1] if isinstance(rows[-1], dict) else None
    at = about[1] if about else None
    return at if at is not None and result.newest is not None and at < result.newest else None


@lru_cache(maxsize=4096)
def _start_of(at: datetime, grain: Grain) -> datetime:
    """The hour or day that a moment lies in."""
    return at.replace(hour=at.hour if grain is Grain.TOKEN_HOUR else 0, minute=0, second=0, microsecond=0)
