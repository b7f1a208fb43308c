"""A source whose prices come from an exchange's public candles: judging a vendor by its own prices is weak."""

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
from flows.home.raw_store import Delivery, Response
from flows.sources.base import PaidByTheCall, Source, Wanted
from flows.sources.exchange.base import PAGE, Exchange, price_source
from flows.sources.exchange.held import Held, what_is_held
from flows.sources.exchange.markets import MARKETS_FILE, Choice, Token, choose_markets, read_overrides
from flows.timeframes import TIMEFRAMES

OTHER_PRICES = "replaced_prices"
DAY = timedelta(days=1)
LENGTHS = {name: timedelta(seconds=one.seconds) for name, one in TIMEFRAMES.items()}
HISTORY_DAYS = {name: min(1095, 2880 * length // DAY) for name, length in LENGTHS.items()}
"""What is asked for of a token that has no prices yet, 3 years or 2,880 bars; `backfill` reaches further back."""


@runtime_checkable
class RanksTokens(Protocol):
    """A source that knows which tokens are larger though its rows do not say it."""

    def ranks(self, tokens: Delivery) -> Mapping[int, int]:
        """Rank by market cap (1 is the largest) by token id, from what it delivered as tokens."""


class PricesFrom:
    """A source whose `prices` come from an exchange; everything else comes as it was.

    `told` is what an operator should hear of the fetches so far.
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
        self.told: Sequence[str] = ()
        self._told: list[str] = []

    def default_as_of(self) -> datetime | None:
        return self.source.default_as_of()

    def begin(self, readings: Sequence[Wanted]) -> None:
        """Let the source see whether it can pay. Candles cost nothing."""
        if isinstance(self.source, PaidByTheCall):
            self.source.begin(readings)

    def settle(self) -> None:
        """Let the source let go of what it holds."""
        if isinstance(self.source, PaidByTheCall):
            self.source.settle()

    def fetch(self, wanted: Wanted) -> Iterator[Delivery]:
        """Deliver what the source delivers, its prices replaced by the exchange's.

        Raises SourceError where the exchange cannot be read at all or lists none of the tokens.
        """
        tokens: list[Token] = []
        for delivery in self.source.fetch(wanted):
            if delivery.dataset == TOKENS.name:
                tokens = self._tokens(delivery)
            # What the source itself says of prices was paid for too: it is kept, and no dataset is made of it.
            yield replace(delivery, dataset=OTHER_PRICES) if delivery.dataset == "prices" else delivery
        held = what_is_held(wanted.home, self._exchange.name)
        if not tokens:
            # A run that asks for hours alone is not told the tokens again: those that have prices go on.
            choice = Choice(dict(held.markets))
        else:
            given = [one for one in tokens if wanted.token_ids is None or one.token_id in wanted.token_ids]
            choice = choose_markets(
                self._exchange, given, read_overrides(self._overrides, self._exchange.name), held.markets
            )
        self._told += choice.told
        responses = tuple(self._responses(wanted, choice, held))
        self.told = tuple(dict.fromkeys((*self.source.told, *self._told)))
        yield Delivery("prices", responses)

    def parse(
        self, connection: duckdb.DuckDBPyConnection, dataset: Dataset, kept: list[Path]
    ) -> duckdb.DuckDBPyRelation:
        if dataset.name == "prices" and are_candles(kept):
            return read_candles(connection, kept)
        return self.source.parse(connection, dataset, kept)

    def _tokens(self, delivery: Delivery) -> list[Token]:
        """The tokens of a delivery, read before anybody keeps it, as the source itself reads them."""
        with TemporaryDirectory() as folder, duckdb.connect() as connection:
            rows = self.source.parse(connection, TOKENS, _as_kept(delivery, Path(folder)))
            cap = "market_cap" if "market_cap" in [name.lower() for name in rows.columns] else "null"
            found = rows.project(f"token_id::bigint as token_id, symbol, try_cast({cap} as double) as cap").fetchall()
        told = self.source.ranks(delivery) if isinstance(self.source, RanksTokens) else {}
        ranks = {cap: rank for rank, cap in enumerate(sorted({cap for *_, cap in found if cap}, reverse=True), start=1)}
        return [Token(token_id, symbol, told.get(token_id) or ranks.get(cap)) for token_id, symbol, cap in found]

    def _responses(self, wanted: Wanted, choice: Choice, held: Held) -> Iterator[Response]:
        failed: list[str] = []
        n_delivered = 0
        for timeframe in wanted.timeframes:
            if not self._exchange.has_timeframe(timeframe):
                self._told.append(f"{self._exchange.name} has no candles of {timeframe}; there are no such prices.")
                continue
            for token_id, market in choice.markets.items():
                since, until = self._span(wanted, timeframe, held.newest.get((token_id, timeframe, market)))
                try:
                    for response in self._pages(token_id, market, timeframe, since, until):
                        n_delivered += 1
                        yield response
                except SourceError as error:
                    failed.append(f"{market} {timeframe}: {error}")
        if failed:
            self._told.append(f"{len(failed)} markets gave no candles, among them {failed[0]}")
        if choice.markets and failed and not n_delivered:
            raise SourceError(f"{self._exchange.name} gave no candles at all. {failed[0]} Run again later.")

    def _span(self, wanted: Wanted, timeframe: str, newest: datetime | None) -> tuple[datetime, datetime]:
        """From the first bar wanted to the end of the last one that is over."""
        if wanted.since is not None:
            # A bar that is longer than a day may have begun before the days that are wanted.
            since = datetime.combine(wanted.since, time()) - max(LENGTHS[timeframe] - DAY, timedelta())
        elif newest is not None:
            since = newest
        else:
            since = datetime.combine(wanted.as_of.date() - timedelta(days=self._history_days[timeframe]), time())
        until = datetime.combine(wanted.until + timedelta(days=1), time()) if wanted.until else wanted.as_of
        return since, min(until, wanted.as_of)

    def _pages(
        self, token_id: int, market: str, timeframe: str, since: datetime, until: datetime
    ) -> Iterator[Response]:
        """Page after page, each body holding the bars that are over and no page before told."""
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
                # Nothing from here on, or nothing within the stretch that this exchange looks at in one call.
                since += PAGE * length


def are_candles(kept: Sequence[Path]) -> bool:
    """Whether kept bodies are an exchange's: an earlier run may have taken the source's own prices."""
    return all(path.suffix == ".gz" for path in kept)


def read_candles(connection: duckdb.DuckDBPyConnection, kept: Sequence[Path]) -> duckdb.DuckDBPyRelation:
    """Bars from kept bodies. Volume becomes dollars at the bar's close: exchanges tell it in the base currency.

    Raises SourceError where a body cannot be read.
    """
    if not kept:
        return connection.sql("select null::bigint as token_id where false")
    files = ", ".join("'" + str(path).replace("'", "''") + "'" for path in kept)
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


def _as_kept(delivery: Delivery, folder: Path) -> list[Path]:
    """The bodies of a delivery as files that are called what `raw/` calls them."""
    paths = []
    for response in delivery.responses:
        body = response.content if isinstance(response.content, bytes) else response.content.read_bytes()
        path = folder / f"{sha256(body).hexdigest()}{Path(response.name).suffix}"
        path.write_bytes(body)
        paths.append(path)
    return paths
