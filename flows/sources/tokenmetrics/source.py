"""The `tokenmetrics` source: what a run wants, fetched page by page, kept as it came, and parsed from what was kept."""

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
from flows.home.raw_store import Delivery, Response
from flows.sources.base import Wanted
from flows.sources.tokenmetrics import drift, ledger
from flows.sources.tokenmetrics.body import NotAnEnvelope, rows_of
from flows.sources.tokenmetrics.client import Client
from flows.sources.tokenmetrics.endpoints import BY_NAME
from flows.sources.tokenmetrics.estimate import estimated_calls
from flows.sources.tokenmetrics.fetch import Fetch, Fetched, sharing_errors
from flows.sources.tokenmetrics.held import Held, what_is_held
from flows.sources.tokenmetrics.keys import Keys, find_keys
from flows.sources.tokenmetrics.pages import Page, PageStore, n_held
from flows.sources.tokenmetrics.parse import parse_rows
from flows.sources.tokenmetrics.ranks import ranks_of
from flows.sources.tokenmetrics.settings import TokenMetricsSettings
from flows.sources.tokenmetrics.tasks import is_of_the_past, tasks_of

# How far behind our clock a run may live: the vendor tells what it says today, whatever day it is asked about.
MAX_BEHIND = timedelta(hours=1)

# Rows of the later ones win where both tell of the same thing: histories are settled, lists are poorer.
ORDER = {"top-market-cap-tokens": 0, "tokens": 1, "tm-grade": 0, "fundamental-grade": 0, "technology-grade": 0}


class TokenMetricsSource:
    """The vendor's API. `told` is what an operator should hear of the fetches so far."""

    name = "tokenmetrics"
    vendor = "tokenmetrics"
    is_archive = False
    is_simulated = False
    delivers_whole = False
    # The vendor tells of these what it says today; what was missed is lost (docs/tokenmetrics.md).
    no_history = frozenset({"levels", "quantmetrics"})

    def __init__(self, settings: TokenMetricsSettings | None = None) -> None:
        self.settings = settings or read_settings()
        self.told: Sequence[str] = ()
        self._stores: list[PageStore] = []

    def default_as_of(self) -> datetime | None:
        return None

    def begin(self, readings: Sequence[Wanted]) -> None:
        """Raise CreditsSpent where the month does not pay for all of a run's fetches."""
        for home in {wanted.home for wanted in readings}:
            ledger.check_credits(home, self.settings, self.plan(readings).total())

    def settle(self) -> None:
        """Forget the pages of the fetches that are done."""
        for store in self._stores:
            store.clear()
        self._stores.clear()

    def fetch(self, wanted: Wanted) -> Iterator[Delivery]:
        """Deliver the datasets wanted; bodies of endpoints that no dataset is made of come under the endpoint's name.

        Raises KeyRefused, SourceError or UsageError, saying what to do. Pages that are paid for stay in `home` until
        `settle`: a run that dies in a later fetch does not pay for this one again.
        """
        if utc_now() - wanted.as_of > MAX_BEHIND and not self.settings.is_loopback:
            raise UsageError(
                "--as-of cannot go back with --source tokenmetrics: the vendor tells what it says today. "
                "What it said then lies in raw/; `trackrecord reparse` reads it again."
            )
        held = what_is_held(wanted.home)
        keys = find_keys(self.settings)
        with closing(PageStore(wanted.home, run_key(wanted))) as store:
            try:
                fetched = asyncio.run(self._fetch(wanted, held, keys, store))
            except BaseExceptionGroup as group:
                raise sharing_errors(group) from None
            is_part = "1d" not in wanted.timeframes or is_of_the_past(wanted)
            for delivery in deliveries(fetched):
                if is_part and delivery.dataset in DATASETS and not fetched.has_rows(delivery.dataset):
                    # A night without prices is a fault for the gate; an hour or some past days without them are not.
                    self._tell(f"{delivery.dataset}: no rows came.")
                    continue
                yield delivery
            drift.record(wanted.home, wanted.run_id, fetched.drift)
            self._stores.append(store)

    def _tell(self, *told: str) -> None:
        """Add what is new: the fetches of a run have much to say in common."""
        self.told = tuple(dict.fromkeys((*self.told, *told)))

    async def _fetch(self, wanted: Wanted, held: Held, keys: Keys, store: PageStore) -> Fetched:
        async with Client(self.settings, keys, wanted.home, run_id=wanted.run_id) as client:
            fetch = Fetch(self.settings, client, store, wanted.as_of.date())
            token_ids = await self._token_ids(fetch, wanted, held)
            await fetch.run(tasks_of(self.settings, wanted, held, token_ids))
            if client.n_too_many:
                client.notes.append(
                    f"{client.n_too_many} calls of {client.n_calls} were too many for the server (429). Set "
                    "TOKENMETRICS_REQUESTS_PER_MINUTE to what your plan allows."
                )
            self._tell(*client.notes, *fetch.notes, *map(str, fetch.found.drift))
            return fetch.found

    async def _token_ids(self, fetch: Fetch, wanted: Wanted, held: Held) -> tuple[int, ...]:
        if wanted.token_ids is not None:
            return tuple(sorted(wanted.token_ids))
        if "1d" not in wanted.timeframes and held.token_ids:
            return tuple(sorted(held.token_ids))
        return await fetch.universe(held.token_ids)

    def plan(self, readings: Iterable[Wanted]) -> Counter[str]:
        """Calls by endpoint that these fetches would make, as far as can be told without making any.

        What a run that died has left to go on from is not called again.
        """
        calls: Counter[str] = Counter()
        for wanted in readings:
            estimated = Counter(estimated_calls(self.settings, wanted, what_is_held(wanted.home)))
            calls += estimated - n_held(wanted.home, run_key(wanted))
        return calls

    def parse(
        self, connection: duckdb.DuckDBPyConnection, dataset: Dataset, kept: list[Path]
    ) -> duckdb.DuckDBPyRelation:
        """Read kept bodies, by the index that lies among them, into the rows of a dataset.

        Of two bodies that tell of the same thing the later one is believed. Raises SourceError where one is unreadable.
        """
        batches = [rows_as_text(dataset, number, rows) for number, rows in enumerate(parsed_bodies(dataset, kept))]
        schema = text_schema(dataset)
        connection.register("tokenmetrics_rows", pa.Table.from_batches(batches, schema))
        return connection.sql(
            "select * exclude (body, about) from tokenmetrics_rows "
            "qualify body = max(body) over (partition by about) order by body"
        )

    def ranks(self, tokens: Delivery) -> dict[int, int]:
        """Rank by market cap by token id, where the universe was taken from the vendor's list of the largest."""
        return ranks_of(tokens)


def read_settings() -> TokenMetricsSettings:
    """The settings. Raises UsageError, naming the variable and never its value, where one cannot be used."""
    try:
        return TokenMetricsSettings()
    except ValidationError as error:
        told = "; ".join(f"TOKENMETRICS_{'_'.join(map(str, at['loc'])).upper()}: {at['msg']}" for at in error.errors())
        raise UsageError(f"The settings of Token Metrics cannot be used. {told}.") from None


def run_key(wanted: Wanted) -> str:
    """What tells fetches apart that ask the same and mean another moment: the day, or the hour of an hourly run."""
    kind = "-".join(wanted.timeframes)
    at = f"{wanted.as_of:%Y-%m-%dT%H}" if "1d" not in wanted.timeframes else f"{wanted.as_of:%Y-%m-%d}"
    return f"{kind} {at} {wanted.since} {wanted.until}"


def deliveries(fetched: Fetched) -> Iterator[Delivery]:
    """A delivery a dataset: an index of what was asked, then every body as it came. Raw-only ones go by endpoint."""
    by_dataset: dict[str, list[Page]] = {}
    names = sorted(fetched.pages, key=lambda name: ORDER.get(name, 1))
    for name in names:
        by_dataset.setdefault(BY_NAME[name].dataset or name, []).extend(fetched.pages[name])
    for name, pages in by_dataset.items():
        yield Delivery(name, (_index(pages), *map(_as_response, pages)))
    universe = json.dumps({"token_ids": fetched.token_ids}).encode()
    yield Delivery("universe", (Response("universe.json", universe, {"n_tokens": str(len(fetched.token_ids))}),))


def _index(pages: Iterable[Page]) -> Response:
    """Which body answers which request, and when it came: a line each."""
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
    return Response(f"{page.endpoint}.json.gz", page.packed, {"endpoint": page.endpoint, **page.params})


def parsed_bodies(dataset: Dataset, kept: Iterable[Path]) -> Iterator[list[dict[str, Any]]]:
    """The parsed rows of each kept body, in the order in which they were fetched."""
    paths = {path.stem: path for path in kept}
    index = next((path for path in paths.values() if path.suffix == ".jsonl"), None)
    if index is None:
        raise SourceError(f"{dataset.name}: the index of the kept bodies is missing; fetch again.")
    for line in index.read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        path = paths[told["sha256"]]
        try:
            rows = rows_of(gzip.decompress(path.read_bytes()))
        except (OSError, EOFError, NotAnEnvelope) as error:
            raise SourceError(f"{dataset.name}: {path} cannot be read: {error}. Fetch again.") from error
        yield parse_rows(BY_NAME[told["endpoint"]], rows, datetime.fromisoformat(told["fetched_at"]))


def text_schema(dataset: Dataset) -> pa.Schema:
    """Every column as text, so that the gate, not the parser, says what does not fit; lists stay lists."""
    columns = [
        pa.field(column.name, pa.list_(pa.string()) if column.type.endswith("[]") else pa.string())
        for column in dataset.columns
        if column.name not in UNTOLD
    ]
    return pa.schema([*columns, pa.field("body", pa.int64()), pa.field("about", pa.string())])


# What the vendor never gives: our own clock says when a value was known, and `sectors.csv` which sector it is.
UNTOLD = ("known_at", "sector")


def rows_as_text(dataset: Dataset, body: int, rows: list[dict[str, Any]]) -> pa.RecordBatch:
    """One body's rows as they are handed to the gate, with the body's number and what each row is about."""
    schema = text_schema(dataset)
    columns = [[_text(row.get(name)) for row in rows] for name in schema.names[:-2]]
    columns += [[body] * len(rows), [about(dataset, row) for row in rows]]
    return pa.record_batch(columns, schema=schema)


def about(dataset: Dataset, row: Mapping[str, Any]) -> str:
    """The thing at one moment that a row tells of: all levels of a token and day are one thing."""
    told = [row.get(name) for name in dataset.key if name not in (dataset.moment, "price", "price_source")]
    at = row.get(dataset.moment) if dataset.moment else None
    if isinstance(at, datetime):
        hour = at.hour if row.get("timeframe") == "1h" else 0
        at = at.replace(hour=hour, minute=0, second=0, microsecond=0)
    return "|".join(map(str, (*told, at)))


def _text(value: Any) -> Any:
    if isinstance(value, str):
        # Half a letter, as of a name cut in the middle of it, can be written nowhere.
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_text(one) for one in value]
    if value is None:
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
