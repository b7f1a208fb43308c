"""The `tokenmetrics` source: pages are fetched, stored as they came, and parsed from what was stored."""

import asyncio
import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from pydantic import ValidationError

from flows.clock import utc_now
from flows.datasets import DATASETS, Dataset
from flows.errors import SourceError, UsageError
from flows.home.raw_store import FetchedDataset, Kept, Response
from flows.sources.base import FetchRequest, Part
from flows.sources.tokenmetrics import drift, ledger
from flows.sources.tokenmetrics.body import NotAnEnvelope, rows_of
from flows.sources.tokenmetrics.client import Client
from flows.sources.tokenmetrics.coverage import Coverage, read_coverage
from flows.sources.tokenmetrics.endpoints import BY_NAME
from flows.sources.tokenmetrics.estimate import estimated_calls
from flows.sources.tokenmetrics.fetch import Fetch, FetchResult, sharing_errors
from flows.sources.tokenmetrics.keys import Keys, find_keys
from flows.sources.tokenmetrics.pages import Page, PageStore, n_stored
from flows.sources.tokenmetrics.parse import parse_rows
from flows.sources.tokenmetrics.ranks import ranks_of
from flows.sources.tokenmetrics.settings import TokenMetricsSettings
from flows.sources.tokenmetrics.tasks import is_of_the_past, tasks_of

# How far the as-of moment may lie behind our clock: the vendor answers with today's values, whatever day is asked for.
MAX_BEHIND = timedelta(hours=1)

# Of two endpoints with the same rows the one with the higher number wins: histories are final, lists are poorer.
ORDER = {"top-market-cap-tokens": 0, "tokens": 1, "tm-grade": 0, "fundamental-grade": 0, "technology-grade": 0}


class TokenMetricsSource:
    """The vendor's API. `notes` are for the operator, about all fetches so far."""

    name = "tokenmetrics"
    vendor = "tokenmetrics"
    is_archive = False
    is_simulated = False
    delivers_whole = False
    # The vendor offers no past of these: a missed day is lost (docs/tokenmetrics.md).
    no_history = frozenset({"levels", "quantmetrics"})

    def __init__(self, settings: TokenMetricsSettings | None = None) -> None:
        self.settings = settings or read_settings()
        self.notes: Sequence[str] = ()
        self._stores: list[PageStore] = []

    def default_as_of(self) -> datetime | None:
        return None

    def begin(self, requests: Sequence[FetchRequest]) -> None:
        """Raise CreditsSpent where the month does not pay for all requests of a run."""
        for home in {request.home for request in requests}:
            ledger.check_credits(home, self.settings, self.estimate(requests).total())

    def settle(self) -> None:
        """Delete the stored pages of the fetches that are done."""
        for store in self._stores:
            store.clear()
        self._stores.clear()

    def fetch(self, request: FetchRequest) -> Iterator[FetchedDataset]:
        """Deliver the datasets; bodies of endpoints without a dataset come under the endpoint's name.

        Raises KeyRefused, SourceError or UsageError, with what to do. Pages that are paid for stay in `home` until
        `settle`, so that a run that dies in a later fetch does not pay for this one again.
        """
        if utc_now() - request.as_of > MAX_BEHIND and not self.settings.is_loopback:
            raise UsageError(
                "--as-of cannot go back with --source tokenmetrics: the vendor tells what it says today. "
                "What it said then lies in raw/; `trackrecord reparse` reads it again."
            )
        coverage = read_coverage(request.home)
        keys = find_keys(self.settings)
        with closing(PageStore(request.home, run_key(request))) as store:
            try:
                fetched = asyncio.run(self._fetch(request, coverage, keys, store))
            except BaseExceptionGroup as group:
                raise sharing_errors(group) from None
            is_part = "1d" not in request.timeframes or is_of_the_past(request)
            for delivered in fetched_datasets(fetched):
                if is_part and delivered.dataset in DATASETS and not fetched.has_rows(delivered.dataset):
                    # The gate stops a night without prices; an hour or some past days without them are no fault.
                    self._add_notes(f"{delivered.dataset}: no rows came.")
                    continue
                yield delivered
            drift.record(request.home, request.run_id, fetched.drift)
            self._stores.append(store)

    def _add_notes(self, *notes: str) -> None:
        """Add notes, each once: the fetches of a run have many in common."""
        self.notes = tuple(dict.fromkeys((*self.notes, *notes)))

    async def _fetch(self, request: FetchRequest, coverage: Coverage, keys: Keys, store: PageStore) -> FetchResult:
        async with Client(self.settings, keys, request.home, run_id=request.run_id) as client:
            fetch = Fetch(self.settings, client, store, request.as_of.date())
            token_ids = await self._token_ids(fetch, request, coverage)
            await fetch.run(tasks_of(self.settings, request, coverage, token_ids))
            if client.n_too_many:
                client.notes.append(
                    f"{client.n_too_many} calls of {client.n_calls} were too many for the server (429). Set "
                    "TOKENMETRICS_REQUESTS_PER_MINUTE to what your plan allows."
                )
            self._add_notes(*client.notes, *fetch.notes, *map(str, fetch.found.drift))
            return fetch.found

    async def _token_ids(self, fetch: Fetch, request: FetchRequest, coverage: Coverage) -> tuple[int, ...]:
        if request.token_ids is not None:
            return tuple(sorted(request.token_ids))
        if "1d" not in request.timeframes and coverage.token_ids:
            return tuple(sorted(coverage.token_ids))
        return await fetch.universe(coverage.token_ids)

    def estimate(self, requests: Iterable[FetchRequest]) -> Counter[str]:
        """Calls by endpoint that these requests would need, estimated without making any.

        Pages that a run that died has left are not called again.
        """
        calls: Counter[str] = Counter()
        for request in requests:
            estimated = Counter(estimated_calls(self.settings, request, read_coverage(request.home)))
            calls += estimated - n_stored(request.home, run_key(request))
        return calls

    def parse(self, connection: duckdb.DuckDBPyConnection, dataset: Dataset, kept: Kept) -> Sequence[Part]:
        """Parse stored bodies, by the index among them, into the rows of a dataset.

        Of two bodies about the same thing the later one counts. Raises SourceError where one is unreadable.
        """
        batches = [
            rows_as_text(dataset, number, rows) for number, rows in enumerate(parsed_bodies(dataset, kept.paths))
        ]
        schema = text_schema(dataset)
        connection.register("tokenmetrics_rows", pa.Table.from_batches(batches, schema))
        rows = connection.sql(
            "select * exclude (body, about) from tokenmetrics_rows "
            "qualify body = max(body) over (partition by about) order by body"
        )
        return [Part(rows)]

    def ranks(self, tokens: FetchedDataset) -> dict[int, int]:
        """Rank by market cap by token id, where the universe was taken from the vendor's list of the largest."""
        return ranks_of(tokens)


def read_settings() -> TokenMetricsSettings:
    """The settings. Raises UsageError, naming the variable and never its value, where one cannot be used."""
    try:
        return TokenMetricsSettings()
    except ValidationError as error:
        problems = "; ".join(
            f"TOKENMETRICS_{'_'.join(map(str, at['loc'])).upper()}: {at['msg']}" for at in error.errors()
        )
        raise UsageError(f"The settings of Token Metrics cannot be used. {problems}.") from None


def run_key(request: FetchRequest) -> str:
    """The key of a request's stored pages: equal questions on another day, or in another hour, are other requests."""
    kind = "-".join(request.timeframes)
    at = f"{request.as_of:%Y-%m-%dT%H}" if "1d" not in request.timeframes else f"{request.as_of:%Y-%m-%d}"
    return f"{kind} {at} {request.since} {request.until}"


def fetched_datasets(fetched: FetchResult) -> Iterator[FetchedDataset]:
    """Each dataset: an index of its requests, then every body. Bodies without a dataset go by their endpoint."""
    by_dataset: dict[str, list[Page]] = {}
    names = sorted(fetched.pages, key=lambda name: ORDER.get(name, 1))
    for name in names:
        by_dataset.setdefault(BY_NAME[name].dataset or name, []).extend(fetched.pages[name])
    for name, pages in by_dataset.items():
        yield FetchedDataset(name, (_index(pages), *map(_as_response, pages)))
    universe = json.dumps({"token_ids": fetched.token_ids}).encode()
    yield FetchedDataset("universe", (Response("universe.json", universe, {"n_tokens": str(len(fetched.token_ids))}),))


def _index(pages: Iterable[Page]) -> Response:
    """A line a body: the request it answers, and when it came."""
    lines = [
        json.dumps(
            {
                "sha256": page.sha256,
                "endpoint": page.endpoint,
                "params": page.params,
                "status": page.status,
                "fetched_at": page.fetched_at.isoformat(),
            }
        )
        for page in pages
    ]
    return Response("index.jsonl", "\n".join(lines).encode() + b"\n")


def _as_response(page: Page) -> Response:
    return Response(f"{page.endpoint}.json.gz", page.compressed, {"endpoint": page.endpoint, **page.params})


def parsed_bodies(dataset: Dataset, kept: Iterable[Path]) -> Iterator[list[dict[str, Any]]]:
    """The parsed rows of each kept body, in the order in which they were fetched."""
    paths = {path.stem: path for path in kept}
    index = next((path for path in paths.values() if path.suffix == ".jsonl"), None)
    if index is None:
        raise SourceError(f"{dataset.name}: the index of the kept bodies is missing; fetch again.")
    for line in index.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        path = paths[entry["sha256"]]
        try:
            rows = rows_of(gzip.decompress(path.read_bytes()))
        except (OSError, EOFError, NotAnEnvelope) as error:
            raise SourceError(f"{dataset.name}: {path} cannot be read: {error}. Fetch again.") from error
        yield parse_rows(BY_NAME[entry["endpoint"]], rows, datetime.fromisoformat(entry["fetched_at"]))


def text_schema(dataset: Dataset) -> pa.Schema:
    """Every column as text, so that the gate, not the parser, finds what does not fit; lists stay lists."""
    columns = [
        pa.field(column.name, pa.list_(pa.string()) if column.type.endswith("[]") else pa.string())
        for column in dataset.columns
        if column.name not in NOT_DELIVERED
    ]
    return pa.schema([*columns, pa.field("body", pa.int64()), pa.field("about", pa.string())])


# The vendor has no such columns: our own clock gives `known_at`, and `sectors.csv` the sector.
NOT_DELIVERED = ("known_at", "sector")


def rows_as_text(dataset: Dataset, body: int, rows: list[dict[str, Any]]) -> pa.RecordBatch:
    """One body's rows as the gate gets them, with the body's number and the subject of each row."""
    schema = text_schema(dataset)
    columns = [[_text(row.get(name)) for row in rows] for name in schema.names[:-2]]
    columns += [[body] * len(rows), [about(dataset, row) for row in rows]]
    return pa.record_batch(columns, schema=schema)


def about(dataset: Dataset, row: Mapping[str, Any]) -> str:
    """The subject of a row at one moment; all levels of a token and day have one subject."""
    key = [row.get(name) for name in dataset.key if name not in (dataset.moment, "price", "price_source")]
    at = row.get(dataset.moment) if dataset.moment else None
    if isinstance(at, datetime):
        hour = at.hour if row.get("timeframe") == "1h" else 0
        at = at.replace(hour=hour, minute=0, second=0, microsecond=0)
    return "|".join(map(str, (*key, at)))


def _text(value: Any) -> Any:
    if isinstance(value, str):
        # Half a character, as of a name cut in the middle, cannot be encoded.
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_text(one) for one in value]
    if value is None:
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
