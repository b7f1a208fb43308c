"""`--prices ccxt:…` takes prices from the exchange's candles, through the real ccxt; no market is guessed."""

import gzip
import json
import sys
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from flows.datasets import DATASETS
from flows.errors import SourceError, UsageError
from flows.home.raw_store import FetchedDataset, keep
from flows.sources import open_source
from flows.sources.base import FetchRequest
from flows.sources.exchange import PricesFrom, open_exchange
from flows.sources.files import FilesSource
from tests.prices.candle_server import CandleServer
from tests.prices.conftest import FIRST_DAY, NOW, Through, ms

Bars = list[tuple[Any, ...]]


def _fetch(source: PricesFrom, home: Path, **wanted: Any) -> dict[str, FetchedDataset]:
    return {one.dataset: one for one in source.fetch(FetchRequest(NOW, home, **wanted))}


def _bars(source: PricesFrom, delivery: FetchedDataset, home: Path) -> Bars:
    """The rows of a delivery, parsed from `raw/` as in a run."""
    kept = keep(home, delivery, source="files")
    with duckdb.connect() as connection:
        (part,) = source.parse(connection, DATASETS["prices"], kept)
        return part.rows.order("token_id, timeframe, bar_start").fetchall()


def _expected(exchange: CandleServer, market: str, timeframe: str, since: datetime) -> list[tuple[float, ...]]:
    length = timedelta(days=1) if timeframe == "1d" else timedelta(hours=1)
    rows = [row for row in exchange.candles[market, timeframe] if row[0] >= ms(since) and row[0] <= ms(NOW - length)]
    return [(row[1], row[2], row[3], row[4], row[5] * row[4]) for row in rows]


def _publish(home: Path, bars: Bars) -> None:
    """Record these bars as published, as after a run."""
    (home / "published").mkdir(parents=True)
    table = pa.table(dict(zip(("token_id", "timeframe", "bar_start"), zip(*bars, strict=True), strict=False)))
    table = table.append_column("price_source", pa.array([bar[-1] for bar in bars]))
    with duckdb.connect(str(home / "published" / "trackrecord.duckdb")) as file:
        file.register("bars", table)
        file.execute("create schema core")
        file.execute("create table core.price_bar as from bars")


def test_prices_are_the_exchanges_daily_and_hourly_page_after_page(
    exchange: CandleServer, through: Through, folder: Path, tmp_path: Path
) -> None:
    source = PricesFrom(FilesSource(folder), through(exchange))
    delivered = _fetch(source, tmp_path)
    assert set(delivered) == {"tokens", "signals", "prices", "replaced_prices"}
    rows = _bars(source, delivered["prices"], tmp_path)
    for token_id, market, named in ((1, "AAAUSDT", "AAA/USDT"), (2, "BBBUSD", "BBB/USD")):
        for timeframe in ("1d", "1h"):
            mine = [row for row in rows if row[:2] == (token_id, timeframe)]
            assert [row[3:8] for row in mine] == _expected(exchange, market, timeframe, FIRST_DAY)
            assert {row[8] for row in mine} == {f"binance:{named}"}
    assert {row[0] for row in rows} == {1, 2}
    n_days = (NOW - FIRST_DAY).days
    asked = [call for call in exchange.calls if call.get("symbol") == "AAAUSDT" and call["interval"] == "1d"]
    assert len(asked) > n_days / 300


def test_a_bar_that_is_not_over_is_left_out(
    exchange: CandleServer, through: Through, folder: Path, tmp_path: Path
) -> None:
    source = PricesFrom(FilesSource(folder), through(exchange))
    rows = _bars(source, _fetch(source, tmp_path)["prices"], tmp_path)
    assert max(row[2] for row in rows if row[1] == "1d") == datetime(2026, 3, 9)
    assert max(row[2] for row in rows if row[1] == "1h") == datetime(2026, 3, 9, 23)


def test_what_is_kept_holds_the_answer_as_it_came(
    exchange: CandleServer, through: Through, folder: Path, tmp_path: Path
) -> None:
    source = PricesFrom(FilesSource(folder), through(exchange))
    for response in _fetch(source, tmp_path)["prices"].responses:
        assert isinstance(response.content, bytes)
        body = json.loads(gzip.decompress(response.content))
        came = [[start, *map(float, numbers[:5])] for start, *numbers in json.loads(body["answer"])]
        assert body["candles"] == [row for row in came if row in body["candles"]] != []
        assert response.request["market"] in ("AAA/USDT", "BBB/USD")


def test_every_token_without_a_market_is_noted_and_none_is_guessed(
    exchange: CandleServer, through: Through, folder: Path, tmp_path: Path
) -> None:
    source = PricesFrom(FilesSource(folder), through(exchange))
    _fetch(source, tmp_path)
    text = "\n".join(source.notes)
    assert "no spot market in USDT, USD, USDC for CCC (3), DDD (5)" in text
    assert "symbols that several tokens share, not priced at binance (name one in data/markets.csv): AAA (4)" in text


def test_a_shared_symbol_without_known_sizes_is_nobodys(
    exchange: CandleServer, through: Through, folder: Path, tmp_path: Path
) -> None:
    (folder / "tokens.csv").write_text("token_id,symbol\n1,AAA\n4,AAA\n2,BBB\n")
    source = PricesFrom(FilesSource(folder), through(exchange))
    rows = _bars(source, _fetch(source, tmp_path)["prices"], tmp_path)
    assert {row[0] for row in rows} == {2}
    assert "AAA (1, 4)" in "\n".join(source.notes)


def test_the_file_of_overrides_comes_first(
    exchange: CandleServer, through: Through, folder: Path, tmp_path: Path
) -> None:
    overrides = tmp_path / "markets.csv"
    overrides.write_text(
        "exchange,token_id,market,reason\nbinance,4,AAA/USDC,it is the one they mean\nbinance,2,,another Bbb\n"
        "kraken,1,AAA/USDC,of another exchange\nbinance,5,DDD/USDT,closed long ago\n"
    )
    source = PricesFrom(FilesSource(folder), through(exchange), overrides=overrides)
    rows = _bars(source, _fetch(source, tmp_path)["prices"], tmp_path)
    assert {(row[0], row[8]) for row in rows} == {(4, "binance:AAA/USDC")}
    assert "(name one in data/markets.csv): AAA (1)" in "\n".join(source.notes)
    assert "does not have: DDD (5): DDD/USDT" in "\n".join(source.notes)
    overrides.write_text("exchange,token_id,market,reason\nbinance,four,AAA/USDC,\n")
    with pytest.raises(UsageError, match=r"markets\.csv, line 2"):
        _fetch(source, tmp_path)


def test_the_next_night_asks_for_what_is_new_and_stays_with_its_market(
    exchange: CandleServer, through: Through, folder: Path, tmp_path: Path
) -> None:
    source = PricesFrom(FilesSource(folder), through(exchange))
    first = _bars(source, _fetch(source, tmp_path)["prices"], tmp_path)
    old = [row for row in first if row[2] < datetime(2026, 3, 8)]
    _publish(tmp_path, [(*row[:8], "binance:AAA/USDC") if row[0] == 1 else row for row in old])
    exchange.calls.clear()
    rows = _bars(source, _fetch(source, tmp_path)["prices"], tmp_path)
    daily = [(row[0], row[2], row[8]) for row in rows if row[1] == "1d"]
    days = [datetime(2026, 3, day) for day in (7, 8, 9)]
    sources = ((1, "binance:AAA/USDC"), (2, "binance:BBB/USD"))
    assert daily == [(token_id, day, name) for token_id, name in sources for day in days]
    assert len([call for call in exchange.calls if "interval" in call]) == 4


def test_a_market_that_closed_is_noted_and_its_prices_stay(
    exchange: CandleServer, through: Through, folder: Path, tmp_path: Path
) -> None:
    source = PricesFrom(FilesSource(folder), through(exchange))
    _publish(tmp_path, _bars(source, _fetch(source, tmp_path)["prices"], tmp_path))
    exchange.closed.add("BBBUSD")
    again = PricesFrom(FilesSource(folder), through(exchange))
    assert {row[0] for row in _bars(again, _fetch(again, tmp_path)["prices"], tmp_path)} == {1}
    assert "markets closed at binance; the prices they gave stay: BBB (2): BBB/USD" in "\n".join(again.notes)


def test_a_backfill_asks_for_its_days_alone(
    exchange: CandleServer, through: Through, folder: Path, tmp_path: Path
) -> None:
    source = PricesFrom(FilesSource(folder), through(exchange))
    wanted: dict[str, Any] = {"since": date(2025, 6, 1), "until": date(2025, 6, 3), "timeframes": ("1d",)}
    rows = _bars(source, _fetch(source, tmp_path, **wanted)["prices"], tmp_path)
    assert sorted({row[2] for row in rows}) == [datetime(2025, 6, day) for day in (1, 2, 3)]
    assert {row[1] for row in rows} == {"1d"}


def test_a_stumble_is_tried_again_and_a_market_that_fails_does_not_stop_the_rest(
    exchange: CandleServer, through: Through, folder: Path, tmp_path: Path
) -> None:
    exchange.fail_next = [503]
    source = PricesFrom(FilesSource(folder), through(exchange))
    delivered = source.fetch(FetchRequest(NOW, tmp_path, timeframes=("1d",)))
    assert {next(delivered).dataset for _ in range(3)} == {"tokens", "signals", "replaced_prices"}
    exchange.candles["BBBUSD", "1d"] = [(0, float("nan"), 0, 0, 0, 0)]
    rows = _bars(source, next(delivered), tmp_path)
    assert {row[0] for row in rows} == {1}
    assert exchange.calls[0]["path"] == exchange.calls[1]["path"]


def test_an_exchange_that_lists_none_of_the_tokens_stops_the_run(
    exchange: CandleServer, through: Through, folder: Path, tmp_path: Path
) -> None:
    (folder / "tokens.csv").write_text("token_id,symbol\n5,DDD\n")
    with pytest.raises(SourceError, match="binance has a market for none of the 1 tokens"):
        _fetch(PricesFrom(FilesSource(folder), through(exchange)), tmp_path)


def test_what_cannot_be_requested_is_an_error(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    with pytest.raises(UsageError, match="write ccxt:EXCHANGE"):
        open_exchange("kraken")
    with pytest.raises(UsageError, match="no exchange lists invented tokens"):
        open_source("sample", prices="ccxt:kraken")
    pytest.importorskip("ccxt")
    with pytest.raises(UsageError, match="ccxt knows no such exchange"):
        open_source("files", folder, prices="ccxt:mtgox")
    monkeypatch.setitem(sys.modules, "ccxt", None)
    with pytest.raises(UsageError, match=r"pip install 'trackrecord\[ccxt\]'"):
        open_exchange("ccxt:kraken")


def test_the_prices_of_the_source_are_kept_and_can_still_be_read(
    exchange: CandleServer, through: Through, folder: Path, tmp_path: Path
) -> None:
    source = PricesFrom(FilesSource(folder), through(exchange))
    (own,) = _bars(source, _fetch(source, tmp_path)["replaced_prices"], tmp_path)
    assert own[-1] == "the vendor"


def test_a_source_that_ranks_its_tokens_settles_a_shared_symbol(
    exchange: CandleServer, through: Through, folder: Path, tmp_path: Path
) -> None:
    class Ranked(FilesSource):
        def ranks(self, tokens: FetchedDataset) -> dict[int, int]:
            return {4: 1, 1: 2}

    (folder / "tokens.csv").write_text("token_id,symbol\n1,AAA\n4,AAA\n")
    source = PricesFrom(Ranked(folder), through(exchange))
    rows: Sequence[tuple[Any, ...]] = _bars(source, _fetch(source, tmp_path)["prices"], tmp_path)
    assert {row[0] for row in rows} == {4}
