"""Reading an answer to its end, and again where rows are missing that should be there.

The vendor gives no total. What tells that rows were lost: a token or a day that was asked for and did not come, a row
that came twice (another was then pushed over the border), a short page that was not the last.
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
from flows.sources.tokenmetrics.plan import About, Query
from flows.sources.tokenmetrics.settings import TokenMetricsSettings

MAX_READINGS = 3
# In place of a token, where a row is about all of them.
WHOLE_MARKET = 0

# What tells one row of an endpoint from another: its token, its moment, both, or all of it.
Key = int | datetime | tuple[int, datetime] | str

# A page of an answer, and its rows: a page itself holds them packed.
GetPage = Callable[[Query, int], Awaitable[tuple[Page, list[Any]]]]


@dataclass
class Reading:
    """What one query brought: its pages in order, what its rows are about and the newest moment of theirs.

    `n_rows` counts the rows of each page that brought new ones, `n_repeated` those of them that came twice.
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


async def read(query: Query, get_page: GetPage, settings: TokenMetricsSettings, *, stop_at: int = 0) -> Reading:
    """Read page after page until one is short, brings nothing new, or everything wanted (`stop_at` rows) is there.

    A list of the vendor's ends where a page brings nothing new: nothing else tells that a short page was the last.
    Raises SourceError where the pages do not end, RequestRefused where the server does not understand; but a page
    after a short one may be refused because it lies beyond the end.
    """
    reading = Reading(query)
    n_rows = settings.page_limit
    for number in range(settings.first_page, settings.first_page + settings.max_pages):
        try:
            page, rows = await get_page(query, number)
        except RequestRefused:
            if n_rows < settings.page_limit:
                return reading
            raise
        n_rows = len(rows)
        n_new = add(reading, page, rows)
        if number == 1 and settings.first_page == 0 and not n_new and rows:
            continue  # The server takes page 0 for page 1: this is the first one again.
        if not n_new or query.endpoint.is_newest_page or (stop_at and len(reading.keys) >= stop_at):
            return reading
        if query.endpoint.grain is Grain.LIST:
            continue
        if n_rows < settings.page_limit or _has_all(reading, rows) or _is_older(reading, rows):
            return reading
    raise SourceError(
        f"{query.endpoint.name} has not ended after {settings.max_pages} pages, each with new rows "
        f"(docs/errors.md, {Fault.ENDLESS.value}). Ask for less, or raise TOKENMETRICS_MAX_PAGES."
    )


async def read_list(
    query: Query, get_page: GetPage, settings: TokenMetricsSettings, *, at_least: int = 0, stop_at: int = 0
) -> list[Page]:
    """Read a list of the vendor's whole, or its first `stop_at` rows: again while a reading was doubtful, or too short.

    A list without a row is asked for once more. Later readings come after earlier ones, so that their rows win.
    """
    pages: list[Page] = []
    keys: set[Key] = set()
    for number in range(1, MAX_READINGS + 1):
        reading = await read(replace(query, reading=number), get_page, settings, stop_at=stop_at)
        pages += reading.pages
        n_before = len(keys)
        keys |= reading.keys
        if number > 1 and len(keys) == n_before:
            break
        if 0 < len(keys) >= at_least and not reading.has_lost_rows:
            break
    return pages


def lacks_days(reading: Reading) -> bool:
    """Whether a day between the first that was asked for and the newest that came is missing, or nothing came."""
    query = reading.query
    if reading.newest is None or query.since is None or query.until is None:
        return not reading.keys
    n_days = (min(reading.newest.date(), query.until) - query.since).days + 1
    return len({at.date() for _, at in reading.about if at is not None and at.date() >= query.since}) < n_days


def missing(readings: Iterable[Reading]) -> set[About]:
    """What was asked for and did not come, up to the newest moment that came for anybody."""
    told = list(readings)
    newest = max((reading.newest for reading in told if reading.newest), default=None)
    expected: set[About] = set()
    about: set[About] = set()
    for reading in told:
        expected |= reading.query.expected(newest)
        about |= reading.about
    return expected - about


def beyond_the_newest(readings: Iterable[Reading]) -> list[Query]:
    """The queries that brought nothing and lie after the newest moment that came for anybody, if any came at all."""
    told = list(readings)
    newest = max((reading.newest for reading in told if reading.newest), default=None)
    if newest is None:
        return []
    return [reading.query for reading in told if not reading.keys and not reading.query.expected(newest)]


def row_key(endpoint: Endpoint, row: Mapping[str, Any]) -> tuple[Key, About | None]:
    """What tells one row from another, and the token and moment it is about."""
    ids, moments = _telling(endpoint.name, endpoint.moment, tuple(row))
    token_id = identifier(_first_told(row, ids))
    at = moment(_first_told(row, moments))
    if type(token_id) is int:
        if endpoint.grain in (Grain.TOKEN, Grain.LIST):
            return token_id, (token_id, None)
        if type(at) is datetime:
            return (token_id, at), (token_id, _start_of(at, endpoint.grain))
    if isinstance(at, datetime) and token_id is None:
        return at, (WHOLE_MARKET, _start_of(at, endpoint.grain))
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest(), None


@lru_cache(maxsize=1024)
def _telling(endpoint: str, moment_name: str | None, names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Of a row's fields those that tell its token (or index), and those that tell its moment."""
    ours = our_names(names, endpoint)
    wanted = ("token_id" if "token_id" in ours else "id", moment_name)
    ids, moments = (tuple(name for name, our in zip(names, ours, strict=True) if our == one) for one in wanted)
    return ids, moments


def _first_told(row: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    if len(names) == 1:
        return row[names[0]]
    return next((row[name] for name in names if row[name] is not None), None)


def add(reading: Reading, page: Page, rows: list[Any]) -> int:
    """Take a page in; return how many of its rows are new."""
    reading.pages.append(page)
    n_before = len(reading.keys)
    for row in rows:
        if isinstance(row, dict):
            key, about = row_key(reading.query.endpoint, row)
            reading.keys.add(key)
            if about is not None:
                reading.about.add(about)
                at = about[1]
                if at is not None and (reading.newest is None or at > reading.newest):
                    reading.newest = at
    n_new = len(reading.keys) - n_before
    # Beyond the end some servers give the last page again: what brings nothing new pushed nothing over a border.
    if n_new:
        reading.n_rows.append(len(rows))
        reading.n_repeated += len(rows) - n_new
    return n_new


def _has_all(reading: Reading, rows: list[Any]) -> bool:
    """Whether every token has come at every moment wanted, so that an older page would bring nothing wanted."""
    if reading.query.endpoint.grain is not Grain.TOKEN and not _oldest_last(reading, rows):
        return False  # What is to come may be newer than all that came.
    expected = reading.query.expected(reading.newest)
    return bool(expected) and expected <= reading.about


def _is_older(reading: Reading, rows: list[Any]) -> bool:
    """Whether a page ends before what is wanted, and the newest came first, so that the rest is older still."""
    wanted_from = reading.query.first_hour
    if wanted_from is None or reading.query.endpoint.has_dates:
        return False
    oldest = _oldest_last(reading, rows)
    return oldest is not None and oldest < wanted_from


def _oldest_last(reading: Reading, rows: list[Any]) -> datetime | None:
    """The moment of a page's last row, where it is older than the newest that came; else nothing tells the order."""
    about = row_key(reading.query.endpoint, rows[-1])[1] if isinstance(rows[-1], dict) else None
    at = about[1] if about else None
    return at if at is not None and reading.newest is not None and at < reading.newest else None


@lru_cache(maxsize=4096)
def _start_of(at: datetime, grain: Grain) -> datetime:
    """The hour or day that a moment lies in."""
    return at.replace(hour=at.hour if grain is Grain.TOKEN_HOUR else 0, minute=0, second=0, microsecond=0)
