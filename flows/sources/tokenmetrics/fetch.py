"""One fetch: resolve the universe, ask every endpoint about it, and ask again for missing rows."""

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
from flows.sources.tokenmetrics.pages import Page, PageStore, compressed
from flows.sources.tokenmetrics.paging import (
    MAX_ROUNDS,
    QueryResult,
    add,
    beyond_the_newest,
    lacks_days,
    missing,
    read,
    read_list,
)
from flows.sources.tokenmetrics.parse import category_names, category_slugs, identifier
from flows.sources.tokenmetrics.queries import About, Query, queries, queries_for_gaps
from flows.sources.tokenmetrics.settings import TokenMetricsSettings
from flows.sources.tokenmetrics.tasks import Task, within_reach
from flows.sources.tokenmetrics.universe import is_in_categories, read_token_ids

# The round of queries that came back empty, beside those of queries with missing rows.
ONCE_MORE = MAX_ROUNDS + 1
# "Start Date cannot be earlier than the past 30 days from the current date", as the documents have it.
TOO_EARLY = re.compile(r"past (\d+) days", re.IGNORECASE)

T = TypeVar("T")


# Without a repr: asyncio asks for that of its task's result, and all bodies are in it.
@dataclass(repr=False)
class FetchResult:
    """The result of a fetch: the pages of each endpoint in order, the universe, and the drift that was found."""

    pages: dict[str, list[Page]] = field(default_factory=dict)
    token_ids: tuple[int, ...] = ()
    drift: list[Drift] = field(default_factory=list)

    def has_rows(self, dataset: str) -> bool:
        """Whether any row came from the endpoints of a dataset."""
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
        self.found = FetchResult()
        self.notes: list[str] = []
        self._fields: dict[str, Fields] = {}
        self._refused: dict[str, EndpointRefused] = {}
        self._ask_again: list[Task] = []
        self._indices_lock = asyncio.Lock()
        self._index_pages: list[Page] | None = None

    async def universe(self, published: frozenset[int] = frozenset()) -> tuple[int, ...]:
        """The token ids that the setting names, as the vendor's lists stand now, in order.

        Raises SourceError where the vendor's list is empty. `published` are the tokens of the last universe: a list
        that has lost some of them is read again before it counts.
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
            pages = await self._list(TOKENS, (), at_least=len(published))
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
        """Ask all endpoints, side by side; a refusal of one is noted, and the others go on."""
        all_tasks = list(tasks)
        await self._learn_limit(all_tasks)
        async with asyncio.TaskGroup() as group:
            for task in all_tasks:
                group.create_task(self._endpoint(task))
        for task in self._ask_again:
            self._refused.pop(task.endpoint.name, None)
            await self._endpoint(task, is_second=True)
        self.found.drift += [one for fields in self._fields.values() for one in fields.drift()]

    async def _endpoint(self, task: Task, *, is_second: bool = False) -> None:
        """Ask one endpoint. One that is refused but answered on an earlier day is asked again when all else is done."""
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
                self._ask_again.append(task)
                return
            what = "not_in_plan" if error.status in (401, 403) else "gone"
            about = endpoint.kind or endpoint.timeframe
            part = f"Its part of {endpoint.dataset} ({about})" if about else f"Its part of {endpoint.dataset or 'raw'}"
            hint = f" TOKENMETRICS_SKIP={endpoint.name} asks no more." if endpoint.is_removed else ""
            last = f" It last answered on {day}." if day else ""
            note = f"{error}{last} {part} is missing from this run.{hint}"
            self.found.drift.append(Drift(endpoint.name, None, what, 0, note))
            return
        self._take(endpoint, pages)

    def _take(self, endpoint: Endpoint, pages: list[Page]) -> None:
        self.found.pages.setdefault(endpoint.name, []).extend(pages)

    async def _learn_limit(self, tasks: list[Task]) -> None:
        """Find out whether the server's pages are shorter than requested: then a short page is not the last.

        The largest answers show it. These pages are stored, and not asked for again.
        """
        largest = [task for task in tasks if task.endpoint.is_required and task.endpoint.has_dates] or [
            task for task in tasks if task.endpoint.grain is Grain.TOKEN_HOUR
        ]
        for task in largest:
            try:
                result = await self._in_reach(task, self._first_result)
            except EndpointRefused as error:
                self._refused[task.endpoint.name] = error
                continue
            if result is None:
                continue
            n_rows = result.n_rows[-1] if result.n_rows else 0
            if not 0 < n_rows < self._settings.page_limit or not missing([result]):
                continue
            try:
                page, rows = await self._page(result.query, self._settings.first_page + len(result.pages))
            except RequestRefused:
                continue  # It lies beyond the end, then.
            if add(result, page, rows):
                self._settings = self._settings.model_copy(update={"page_limit": n_rows})
                self.notes.append(
                    f"The server gives {n_rows} rows a page, not the {page.params['limit']} asked for. Set "
                    f"TOKENMETRICS_PAGE_LIMIT={n_rows}: every night begins with a question too many otherwise."
                )
                return

    async def _first_result(self, task: Task) -> QueryResult:
        return await self._read(queries(task.endpoint, task.token_ids, task.window, self._settings)[0])

    async def _in_reach(self, task: Task, ask: Callable[[Task], Awaitable[T]]) -> T | None:
        """The answer about those days of a task that the server looks back to; None where there are none.

        A plan may have no older candles, and refuses a whole query for them with the number of days it has.
        """
        reachable = within_reach(task, self._today, self._settings.ohlcv_days)
        try:
            return await ask(reachable) if reachable else None
        except RequestRefused as error:
            limit = TOO_EARLY.search(str(error)) if task.endpoint.is_ohlcv else None
            if limit is None:
                raise
            n_days = int(limit[1])
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
        """All that the endpoint has about the tokens and days; missing rows are asked for again."""
        endpoint = task.endpoint
        asked = queries(endpoint, task.token_ids, task.window, self._settings)
        # One query first, so that a refusal is not met a hundred times.
        results = [await self._read(asked[0])]
        if not results[0].keys:
            results.append(await self._read(replace(asked[0], round_number=ONCE_MORE)))
            if endpoint.is_removed and not results[-1].keys:
                return results[0].pages
        results += await self._read_all(asked[1:])
        # Empty answers about the newest days leave no gap, because no newer row shows that something is missing.
        empty = [replace(one, round_number=ONCE_MORE) for one in beyond_the_newest(results) if one != asked[0]]
        results += await self._read_all(empty)
        for number in range(2, MAX_ROUNDS + 1):
            gaps = missing(results)
            came = _about(results)
            known = {token_id for token_id, _ in came}
            again = queries_for_gaps(endpoint, gaps, known, task.window, self._settings, round_number=number)
            results += await self._read_all(again)
            if _about(results) == came:
                break
        if endpoint.dataset and not endpoint.is_removed and not _about(results):
            hint = (
                " If the day of endDate is left out, set TOKENMETRICS_END_IS_EXCLUDED=1." if endpoint.has_dates else ""
            )
            self.notes.append(f"{endpoint.name}: no rows came, in {len(results)} answers.{hint}")
        return [page for result in results for page in result.pages]

    async def _read_all(self, asked: list[Query]) -> list[QueryResult]:
        return list(await asyncio.gather(*map(self._read, asked)))

    async def _read(self, query: Query) -> QueryResult:
        return await read(query, self._page, self._settings)

    async def _of_indices(self, task: Task) -> list[Page]:
        """An endpoint that wants the id of an index, for every index there is."""
        pages: list[Page] = []
        for index_id in ids_of(await self._indices()):
            for query in queries(task.endpoint, (), task.window, self._settings):
                pages += await self._read_of_days(replace(query, extra=(("id", str(index_id)),)))
        return pages

    async def _read_of_days(self, query: Query) -> list[Page]:
        """One answer, and once more where it is empty or lacks a day; a gap of the vendor's own costs a query."""
        result = await self._read(query)
        if not lacks_days(result):
            return result.pages
        return [*result.pages, *(await self._read(replace(query, round_number=ONCE_MORE))).pages]

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
        """Ask another endpoint, to raise KeyRefused where the key is refused and not the endpoint."""
        try:
            await self._page(Query(endpoint), self._settings.first_page)
        except EndpointRefused:
            return

    async def _page(self, query: Query, number: int) -> tuple[Page, list[Any]]:
        """A page from the store, or from the vendor and stored before it is parsed; and its rows."""
        name, params = query.endpoint.name, query.params(number, self._settings)
        page = self._store.find(name, params, query.round_number)
        if page is None:
            answer = await self._client.get(name, params)
            page, rows = Page(name, params, answer.status, answer.fetched_at, compressed(answer.body)), answer.rows
            self._store.keep(page, query.round_number)
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
            categories_of = known.get("category_list")
            if categories and not is_in_categories(
                [*category_slugs(categories_of), *(category_names(categories_of) or ())], categories
            ):
                continue
            found = identifier(known.get("token_id", known.get("id")))
            if isinstance(found, int):
                ids[found] = None
    return list(ids)


def _about(results: Iterable[QueryResult]) -> set[About]:
    """The subjects of all rows of these results."""
    return set().union(*(result.about for result in results))


def sharing_errors(error: BaseException) -> UsageError | SourceError | BaseException:
    """The first error of a group: the others were cancelled for it, or are the same."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
