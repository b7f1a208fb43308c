"""A source whose prices come from an exchange's public candles, because a vendor's own prices are weak evidence."""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, runtime_checkable

import duckdb

from flows.datasets import TOKENS, Dataset
from flows.errors import SourceError
from flows.home.raw_store import FetchedDataset, Kept, Response
from flows.quoting import literal
from flows.sources.base import FetchRequest, PaidByRequest, Part, Source
from flows.sources.exchange.base import PAGE, Exchange, price_source
from flows.sources.exchange.markets import MARKETS_FILE, Choice, Token, choose_markets, read_overrides
from flows.sources.exchange.published_prices import PublishedPrices, read_published_prices
from flows.timeframes import TIMEFRAMES

OTHER_PRICES = "replaced_prices"
DAY = timedelta(days=1)
LENGTHS = {name: timedelta(seconds=one.seconds) for name, one in TIMEFRAMES.items()}
HISTORY_DAYS = {name: min(1095, 2880 * length // DAY) for name, length in LENGTHS.items()}
"""The history requested for a token without prices, 3 years or 2,880 bars; `backfill` reaches further back."""


@runtime_checkable
class RanksTokens(Protocol):
    """A source that knows the tokens' ranks, though its rows have no column for them."""

    def ranks(self, tokens: FetchedDataset) -> Mapping[int, int]:
        """Rank by market cap (1 is the largest) by token id, from the tokens it delivered."""


class PricesFrom:
    """A source whose `prices` come from an exchange, and everything else from another source.

    `notes` are for the operator, about all fetches so far.
    """

    def __init__(
        self,
        source: Source,
        exchange: Exchange,
        *,
        overrides: Path = MARKETS_FILE,
        history_days: Mapping[str, int] = HISTORY_DAYS,
    ) -> None:
        self.name = source.name
        self.vendor = source.vendor
        self.is_archive = source.is_archive
        self.is_simulated = source.is_simulated
        self.delivers_whole = source.delivers_whole
        self.no_history = source.no_history - {"prices"}
        self.source = source
        self._exchange = exchange
        self._overrides = overrides
        self._history_days = history_days
        self.notes: Sequence[str] = ()
        self._own_notes: list[str] = []

    def default_as_of(self) -> datetime | None:
        return self.source.default_as_of()

    def begin(self, requests: Sequence[FetchRequest]) -> None:
        """Let the source check its credits; candles cost nothing."""
        if isinstance(self.source, PaidByRequest):
            self.source.begin(requests)

    def settle(self) -> None:
        """Let the source delete what it stored for the case that the run dies."""
        if isinstance(self.source, PaidByRequest):
            self.source.settle()

    def fetch(self, request: FetchRequest) -> Iterator[FetchedDataset]:
        """Deliver what the source delivers, its prices replaced by the exchange's.

        Raises SourceError where the exchange cannot be read at all or lists none of the tokens.
        """
        tokens: list[Token] = []
        for fetched in self.source.fetch(request):
            if fetched.dataset == TOKENS.name:
                tokens = self._tokens(fetched)
            # The source's own prices were paid for too: they are stored, and not parsed.
            yield replace(fetched, dataset=OTHER_PRICES) if fetched.dataset == "prices" else fetched
        published = read_published_prices(request.home, self._exchange.name)
        if not tokens:
            # A request for hours alone brings no tokens, so that those with published prices go on.
            choice = Choice(dict(published.markets))
        else:
            given = [one for one in tokens if request.token_ids is None or one.token_id in request.token_ids]
            choice = choose_markets(
                self._exchange, given, read_overrides(self._overrides, self._exchange.name), published.markets
            )
        self._own_notes += choice.notes
        responses = tuple(self._responses(request, choice, published))
        self.notes = tuple(dict.fromkeys((*self.source.notes, *self._own_notes)))
        yield FetchedDataset("prices", responses)

    def parse(self, connection: duckdb.DuckDBPyConnection, dataset: Dataset, kept: Kept) -> Sequence[Part]:
        if dataset.name == "prices" and are_candles(kept.paths):
            return [Part(read_candles(connection, kept.paths))]
        return self.source.parse(connection, dataset, kept)

    def _tokens(self, fetched: FetchedDataset) -> list[Token]:
        """The tokens just fetched, parsed by the source itself before they are stored."""
        with TemporaryDirectory() as folder, duckdb.connect() as connection:
            found = []
            for part in self.source.parse(connection, TOKENS, _as_kept(fetched, Path(folder))):
                cap = "market_cap" if "market_cap" in [name.lower() for name in part.rows.columns] else "null"
                cells = f"token_id::bigint as token_id, symbol, try_cast({cap} as double) as cap"
                found += part.rows.project(cells).fetchall()
        known = self.source.ranks(fetched) if isinstance(self.source, RanksTokens) else {}
        ranks = {cap: rank for rank, cap in enumerate(sorted({cap for *_, cap in found if cap}, reverse=True), start=1)}
        return [Token(token_id, symbol, known.get(token_id) or ranks.get(cap)) for token_id, symbol, cap in found]

    def _responses(self, request: FetchRequest, choice: Choice, published: PublishedPrices) -> Iterator[Response]:
        failed: list[str] = []
        n_delivered = 0
        for timeframe in request.timeframes:
            if not self._exchange.has_timeframe(timeframe):
                self._own_notes.append(
                    f"{self._exchange.name} has no candles of {timeframe}; there are no such prices."
                )
                continue
            for token_id, market in choice.markets.items():
                since, until = self._span(request, timeframe, published.newest.get((token_id, timeframe, market)))
                try:
                    for response in self._pages(token_id, market, timeframe, since, until):
                        n_delivered += 1
                        yield response
                except SourceError as error:
                    failed.append(f"{market} {timeframe}: {error}")
        if failed:
            self._own_notes.append(f"{len(failed)} markets gave no candles, among them {failed[0]}")
        if choice.markets and failed and not n_delivered:
            raise SourceError(f"{self._exchange.name} gave no candles at all. {failed[0]} Run again later.")

    def _span(self, request: FetchRequest, timeframe: str, newest: datetime | None) -> tuple[datetime, datetime]:
        """The span from the first bar requested to the end of the last one that has closed."""
        if request.since is not None:
            # A bar that is longer than a day may have begun before the days requested.
            since = datetime.combine(request.since, time()) - max(LENGTHS[timeframe] - DAY, timedelta())
        elif newest is not None:
            since = newest
        else:
            since = datetime.combine(request.as_of.date() - timedelta(days=self._history_days[timeframe]), time())
        until = datetime.combine(request.until + timedelta(days=1), time()) if request.until else request.as_of
        return since, min(until, request.as_of)

    def _pages(
        self, token_id: int, market: str, timeframe: str, since: datetime, until: datetime
    ) -> Iterator[Response]:
        """Page after page, each body with the closed bars that no page before had."""
        source = price_source(self._exchange.name, market)
        length = LENGTHS[timeframe]
        while since + length <= until:
            page = self._exchange.candles(market, timeframe, since)
            fresh = [row for row in page.rows if _moment(row[0]) >= since and _moment(row[0]) + length <= until]
            if fresh:
                body = {"token_id": token_id, "timeframe": timeframe, "price_source": source, "candles": fresh}
                yield Response(
                    f"{self._exchange.name}-{market.replace('/', '-')}-{timeframe}.json.gz",
                    gzip.compress(json.dumps({**body, "answer": page.answer}).encode(), mtime=0),
                    {"exchange": self._exchange.name, "market": market, "timeframe": timeframe, "since": str(since)},
                )
                since = _moment(fresh[-1][0]) + length
            elif page.rows and _moment(page.rows[-1][0]) >= since:
                return  # only the bar that is still open
            else:
                # No bars from here on, or none within the span that this exchange searches in one request.
                since += PAGE * length


def are_candles(kept: Sequence[Path]) -> bool:
    """Whether stored bodies are an exchange's: an earlier run may have taken the source's own prices."""
    return all(path.suffixes == [".gz"] for path in kept)


def read_candles(connection: duckdb.DuckDBPyConnection, kept: Sequence[Path]) -> duckdb.DuckDBPyRelation:
    """Bars from kept bodies. Volume becomes dollars at the bar's close: exchanges give it in the base currency.

    Raises SourceError where a body cannot be read.
    """
    if not kept:
        return connection.sql("select null::bigint as token_id where false")
    files = ", ".join(literal(str(path)) for path in kept)
    try:
        return connection.sql(
            f"""
            select
                token_id,
                timeframe,
                make_timestamp(candle[1]::bigint * 1000) as bar_start,
                candle[2] as open,
                candle[3] as high,
                candle[4] as low,
                candle[5] as close,
                candle[6] * candle[5] as volume_usd,
                price_source
            from (
                select token_id, timeframe, price_source, unnest(candles) as candle
                from read_json(
                    [{files}],
                    compression = 'gzip',
                    columns = {{
                        token_id: 'BIGINT', timeframe: 'VARCHAR', price_source: 'VARCHAR', candles: 'DOUBLE[][]'
                    }}
                )
            )
            """
        )
    except duckdb.Error as error:
        raise SourceError(f"prices: kept candles cannot be read: {str(error).splitlines()[0]} Fetch again.") from error


def _moment(ms: float) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC).replace(tzinfo=None)


def _as_kept(fetched: FetchedDataset, folder: Path) -> Kept:
    """The bodies as files, under the names that `raw/` would give them."""
    paths = []
    for response in fetched.responses:
        body = response.content if isinstance(response.content, bytes) else response.content.read_bytes()
        path = folder / f"{sha256(body).hexdigest()}{Path(response.name).suffix}"
        path.write_bytes(body)
        paths.append(path)
    return Kept(fetched.dataset, tuple(paths), "", 0, tuple(response.name for response in fetched.responses))
