"""One fetch: resolve the universe, then ask every endpoint about it, and read again what came short."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypeVar

from flows.errors import EndpointRefused, RequestRefused, SourceError, UsageError
from flows.sources.tokenmetrics.aliases import folded
from flows.sources.tokenmetrics.client import Client
from flows.sources.tokenmetrics.drift import Drift, Fields
from flows.sources.tokenmetrics.endpoints import BY_NAME, TOKENS, TOP_TOKENS, Endpoint, Grain
from flows.sources.tokenmetrics.pages import Page, PageStore, packed
from flows.sources.tokenmetrics.paging import (
    MAX_READINGS,
    Reading,
    add,
    beyond_the_newest,
    lacks_days,
    missing,
    read,
    read_list,
)
from flows.sources.tokenmetrics.parse import category_names, category_slugs, identifier
from flows.sources.tokenmetrics.plan import About, Query, queries, queries_for_gaps
from flows.sources.tokenmetrics.settings import TokenMetricsSettings
from flows.sources.tokenmetrics.tasks import Task, within_reach
from flows.sources.tokenmetrics.universe import is_in_categories, read_token_ids

# The reading of what came back empty, beside those of what came back short.
ONCE_MORE = MAX_READINGS + 1
# "Start Date cannot be earlier than the past 30 days from the current date", as the documents have it.
TOO_EARLY = re.compile(r"past (\d+) days", re.IGNORECASE)

T = TypeVar("T")


# Without a repr: asyncio asks for that of its task's result, and all bodies are in it.
@dataclass(repr=False)
class Fetched:
    """What a fetch brought: the pages of each endpoint in order, the universe, and what is worth telling."""

    pages: dict[str, list[Page]] = field(default_factory=dict)
    token_ids: tuple[int, ...] = ()
    drift: list[Drift] = field(default_factory=list)

    def has_rows(self, dataset: str) -> bool:
        """Whether any row came of the endpoints that a dataset is made of."""
        return any(
            page.rows for name, pages in self.pages.items() if BY_NAME[name].dataset == dataset for page in pages
        )


class Fetch:
    """One fetch under way."""

    def __init__(self, settings: TokenMetricsSettings, client: Client, store: PageStore, today: date) -> None:
        self._settings = settings
        self._today = today
        self._client = client
        self._store = store
        self.found = Fetched()
        self.notes: list[str] = []
        self._fields: dict[str, Fields] = {}
        self._refused: dict[str, EndpointRefused] = {}
        self._doubted: list[Task] = []
        self._indices_lock = asyncio.Lock()
        self._index_pages: list[Page] | None = None

    async def universe(self, held: frozenset[int] = frozenset()) -> tuple[int, ...]:
        """The token ids that the setting names, as the vendor's lists stand now, in order.

        Raises SourceError where the vendor's list is empty. `held` are the tokens of the last universe: a list that has
        lost some of them is read again before it is believed.
        """
        chosen = self._settings.wanted_universe
        if chosen.kind == "file":
            assert chosen.path is not None
            ids: tuple[int, ...] = read_token_ids(chosen.path)
        elif chosen.kind == "top":
            top_k = min(chosen.count, self._settings.page_limit)
            pages = await self._list(TOP_TOKENS, (("top_k", str(top_k)),), at_least=chosen.count, stop_at=chosen.count)
            ids = tuple(sorted(ids_of(pages)[: chosen.count]))
        else:
            pages = await self._list(TOKENS, (), at_least=len(held))
            ids = tuple(sorted(ids_of(pages, chosen.categories)))
        if not ids:
            raise SourceError(
                f"TOKENMETRICS_UNIVERSE {self._settings.universe} names no token the vendor has. "
                "Check the spelling of categories, or write top:N."
            )
        if len(ids) < chosen.count:
            self.notes.append(
                f"The vendor lists {len(ids)} tokens, not the {chosen.count} of "
                f"TOKENMETRICS_UNIVERSE={self._settings.universe}."
            )
        self.found.token_ids = ids
        return ids

    async def run(self, tasks: Iterable[Task]) -> None:
        """Ask all endpoints, side by side; what one was refused is noted, and the others go on."""
        told = list(tasks)
        await self._learn_limit(told)
        async with asyncio.TaskGroup() as group:
            for task in told:
                group.create_task(self._endpoint(task))
        for task in self._doubted:
            self._refused.pop(task.endpoint.name, None)
            await self._endpoint(task, is_second=True)
        self.found.drift += [one for fields in self._fields.values() for one in fields.drift()]

    async def _endpoint(self, task: Task, *, is_second: bool = False) -> None:
        """Ask one endpoint. What is refused but answered on an earlier day is asked again when all else is done."""
        endpoint = task.endpoint
        try:
            pages = await self._in_reach(task, self._pages_of) or []
        except EndpointRefused as error:
            if not self._client.has_accepted:
                await self._probe(TOP_TOKENS if endpoint is TOKENS else TOKENS)
            if endpoint.is_required:
                raise SourceError(
                    f"{error} Without {endpoint.dataset} nothing can be scored; see docs/errors.md."
                ) from None
            day = self._client.answered_at(endpoint.name)
            if day and not is_second:
                self._doubted.append(task)
                return
            what = "not_in_plan" if error.status in (401, 403) else "gone"
            about = endpoint.kind or endpoint.timeframe
            part = f"Its part of {endpoint.dataset} ({about})" if about else f"Its part of {endpoint.dataset or 'raw'}"
            hint = f" TOKENMETRICS_SKIP={endpoint.name} asks no more." if endpoint.is_removed else ""
            last = f" It last answered on {day}." if day else ""
            told = f"{error}{last} {part} is missing from this run.{hint}"
            self.found.drift.append(Drift(endpoint.name, None, what, 0, told))
            return
        self._take(endpoint, pages)

    def _take(self, endpoint: Endpoint, pages: list[Page]) -> None:
        self.found.pages.setdefault(endpoint.name, []).extend(pages)

    async def _learn_limit(self, tasks: list[Task]) -> None:
        """Look whether the server gives shorter pages than it is asked for: then a short page is no end.

        The largest answers show it. What is asked here is kept, and not asked again.
        """
        teachers = [task for task in tasks if task.endpoint.is_required and task.endpoint.has_dates] or [
            task for task in tasks if task.endpoint.grain is Grain.TOKEN_HOUR
        ]
        for task in teachers:
            try:
                reading = await self._in_reach(task, self._first_reading)
            except EndpointRefused as error:
                self._refused[task.endpoint.name] = error
                continue
            if reading is None:
                continue
            n_rows = reading.n_rows[-1] if reading.n_rows else 0
            if not 0 < n_rows < self._settings.page_limit or not missing([reading]):
                continue
            try:
                page, rows = await self._page(reading.query, self._settings.first_page + len(reading.pages))
            except RequestRefused:
                continue  # It lies beyond the end, then.
            if add(reading, page, rows):
                self._settings = self._settings.model_copy(update={"page_limit": n_rows})
                self.notes.append(
                    f"The server gives {n_rows} rows a page, not the {page.params['limit']} asked for. Set "
                    f"TOKENMETRICS_PAGE_LIMIT={n_rows}: every night begins with a question too many otherwise."
                )
                return

    async def _first_reading(self, task: Task) -> Reading:
        return await self._read(queries(task.endpoint, task.token_ids, task.window, self._settings)[0])

    async def _in_reach(self, task: Task, ask: Callable[[Task], Awaitable[T]]) -> T | None:
        """What an endpoint answers about the days of a task that the server looks back to; None where there are none.

        A plan may give no older candles, and refuses the whole call that asks for them: it is taken at its word.
        """
        reachable = within_reach(task, self._today, self._settings.ohlcv_days)
        try:
            return await ask(reachable) if reachable else None
        except RequestRefused as error:
            told = TOO_EARLY.search(str(error)) if task.endpoint.is_ohlcv else None
            if told is None:
                raise
            n_days = int(told[1])
        if self._settings.ohlcv_days != n_days:
            self._settings = self._settings.model_copy(update={"ohlcv_days": n_days})
            self.notes.append(
                f"The server gives candles of the past {n_days} days alone; older ones are missing from this run. Set "
                f"TOKENMETRICS_OHLCV_DAYS={n_days}: every run begins with a question too many otherwise. An exchange "
                "has more (docs/prices.md)."
            )
        reachable = within_reach(task, self._today, n_days)
        return await ask(reachable) if reachable else None

    async def _pages_of(self, task: Task) -> list[Page]:
        endpoint = task.endpoint
        if endpoint.name in self._refused:
            raise self._refused[endpoint.name]
        match endpoint.grain:
            case Grain.LIST if endpoint.name == "indices":
                return await self._indices()
            case Grain.LIST:
                return await read_list(Query(endpoint), self._page, self._settings)
            case Grain.INDEX | Grain.INDEX_DAY:
                return await self._of_indices(task)
            case Grain.DAY:
                asked = queries(endpoint, (), task.window, self._settings)
                return [page for query in asked for page in await self._read_of_days(query)]
            case _:
                return await self._about_tokens(task)

    async def _about_tokens(self, task: Task) -> list[Page]:
        """All that the endpoint has about the tokens and days; what did not come is asked for once more."""
        endpoint = task.endpoint
        asked = queries(endpoint, task.token_ids, task.window, self._settings)
        # One first: what is refused is not asked for a hundred times.
        readings = [await self._read(asked[0])]
        if not readings[0].keys:
            readings.append(await self._read(replace(asked[0], reading=ONCE_MORE)))
            if endpoint.is_removed and not readings[-1].keys:
                return readings[0].pages
        readings += await self._read_all(asked[1:])
        # Empty answers about the newest days leave no gap: nothing newer says that there is something.
        empty = [replace(one, reading=ONCE_MORE) for one in beyond_the_newest(readings) if one != asked[0]]
        readings += await self._read_all(empty)
        for number in range(2, MAX_READINGS + 1):
            gaps = missing(readings)
            came = _about(readings)
            known = {token_id for token_id, _ in came}
            again = queries_for_gaps(endpoint, gaps, known, task.window, self._settings, reading=number)
            readings += await self._read_all(again)
            if _about(readings) == came:
                break
        if endpoint.dataset and not endpoint.is_removed and not _about(readings):
            hint = (
                " If the day of endDate is left out, set TOKENMETRICS_END_IS_EXCLUDED=1." if endpoint.has_dates else ""
            )
            self.notes.append(f"{endpoint.name}: no rows came, in {len(readings)} answers.{hint}")
        return [page for reading in readings for page in reading.pages]

    async def _read_all(self, asked: list[Query]) -> list[Reading]:
        return list(await asyncio.gather(*map(self._read, asked)))

    async def _read(self, query: Query) -> Reading:
        return await read(query, self._page, self._settings)

    async def _of_indices(self, task: Task) -> list[Page]:
        """An endpoint that wants the id of an index, for every index there is."""
        pages: list[Page] = []
        for index_id in ids_of(await self._indices()):
            for query in queries(task.endpoint, (), task.window, self._settings):
                pages += await self._read_of_days(replace(query, extra=(("id", str(index_id)),)))
        return pages

    async def _read_of_days(self, query: Query) -> list[Page]:
        """One answer, and once more where nothing came or a day is missing: the vendor's own gaps cost a call."""
        reading = await self._read(query)
        if not lacks_days(reading):
            return reading.pages
        return [*reading.pages, *(await self._read(replace(query, reading=ONCE_MORE))).pages]

    async def _indices(self) -> list[Page]:
        """The list of indices, read once for all who want it."""
        async with self._indices_lock:
            if self._index_pages is None:
                self._index_pages = await read_list(Query(BY_NAME["indices"]), self._page, self._settings)
            return self._index_pages

    async def _list(
        self, endpoint: Endpoint, extra: tuple[tuple[str, str], ...], *, at_least: int, stop_at: int = 0
    ) -> list[Page]:
        if self._settings.version == "v3":
            extra = (*extra, ("expand", "exchange_list,category_list"))
        try:
            pages = await read_list(
                Query(endpoint, extra=extra), self._page, self._settings, at_least=at_least, stop_at=stop_at
            )
        except EndpointRefused as error:
            await self._probe(TOKENS if endpoint is TOP_TOKENS else TOP_TOKENS)
            raise SourceError(
                f"{error} TOKENMETRICS_UNIVERSE={self._settings.universe} needs it: name the tokens "
                "by file:PATH; see docs/errors.md."
            ) from None
        self._take(endpoint, pages)
        return pages

    async def _probe(self, endpoint: Endpoint) -> None:
        """Whether it is the key, not the endpoint, that is refused. Raises KeyRefused then."""
        try:
            await self._page(Query(endpoint), self._settings.first_page)
        except EndpointRefused:
            return

    async def _page(self, query: Query, number: int) -> tuple[Page, list[Any]]:
        """A page from the store, or else from the vendor and kept before anybody reads it; and its rows."""
        name, params = query.endpoint.name, query.params(number, self._settings)
        page = self._store.held(name, params, query.reading)
        if page is None:
            answer = await self._client.get(name, params)
            page, rows = Page(name, params, answer.status, answer.fetched_at, packed(answer.body)), answer.rows
            self._store.keep(page, query.reading)
        else:
            rows = page.rows
        self._fields.setdefault(name, Fields(query.endpoint)).count(rows)
        return page, rows


def ids_of(pages: Iterable[Page], categories: tuple[str, ...] = ()) -> list[int]:
    """The token (or index) ids of the rows, each once, in order; of some categories alone where they are named."""
    ids: dict[int, None] = {}
    for page in pages:
        for row in page.rows:
            if not isinstance(row, dict):
                continue
            known = folded(row, page.endpoint)
            told = known.get("category_list")
            if categories and not is_in_categories([*category_slugs(told), *(category_names(told) or ())], categories):
                continue
            found = identifier(known.get("token_id", known.get("id")))
            if isinstance(found, int):
                ids[found] = None
    return list(ids)


def _about(readings: Iterable[Reading]) -> set[About]:
    """All that any of the readings tells of."""
    return set().union(*(reading.about for reading in readings))


def sharing_errors(error: BaseException) -> UsageError | SourceError | BaseException:
    """The first error of a group: the others were cancelled for it, or say the same."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
