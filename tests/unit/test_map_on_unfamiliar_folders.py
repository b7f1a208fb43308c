"""`trackrecord map` on eight folders as other tools write them: six are read right, of two it names what lacks.

Headers, forms and names are those of the tools; the bars and sides are one truth.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from flows.config import ROOT, Settings
from flows.datasets import DATASETS
from flows.home.raw_store import keep
from flows.quality.incoming import read_incoming
from flows.sources.base import FetchRequest
from flows.sources.declaration import read_folder_declaration
from flows.sources.files import FilesSource
from flows.sources.proposal import propose
from flows.warehouse.connection import prepare
from flows.warehouse.symbols import give_ids

AS_OF = datetime(2025, 12, 1)
DAYS = pd.date_range("2025-09-01", "2025-10-31")
SYMBOLS = ("BTC", "ETH")
PRICES = ["open", "high", "low", "close"]
MILLISECOND = pd.Timedelta(milliseconds=1)


# --- the truth ------------------------------------------------------------------------------------------------------


def bars_of(symbol: str, moments: pd.DatetimeIndex = DAYS) -> pd.DataFrame:
    draw = np.random.default_rng(ord(symbol[0]))
    close = (100 * np.exp(np.cumsum(draw.normal(0, 0.02, len(moments))))).round(4)
    opened = np.concatenate([[100.0], close[:-1]])
    high, low = (np.maximum(opened, close) * 1.01).round(4), (np.minimum(opened, close) * 0.99).round(4)
    usd = draw.uniform(1e6, 2e6, len(moments)).round(2)
    return pd.DataFrame({"at": moments, "open": opened, "high": high, "low": low, "close": close, "usd": usd})


def trades() -> pd.DataFrame:
    """Some trades of each token at a minute of their own, in UTC, never two in a day."""
    draw = np.random.default_rng(5)
    rows = []
    for symbol in SYMBOLS:
        for day in sorted(draw.choice(50, size=9, replace=False)):
            at = pd.Timestamp("2025-09-05") + pd.Timedelta(days=int(day), minutes=int(draw.integers(60, 1300)))
            rows.append({"symbol": symbol, "at": at, "side": int(draw.choice([-1, 1]))})
    return pd.DataFrame(rows)


def since_1970(moments: "pd.Series[pd.Timestamp]", unit: pd.Timedelta) -> "pd.Series[int]":
    return (moments - pd.Timestamp(0)) // unit


# --- the tools ------------------------------------------------------------------------------------------------------


def freqtrade(folder: Path) -> None:
    """Trades of a futures bot as its data frame is saved, and candles of its own download in Parquet."""
    found = trades()
    utc = found["at"].dt.tz_localize("UTC")
    pd.DataFrame(
        {
            "pair": found["symbol"] + "/USDT:USDT",
            "stake_amount": 100.0,
            "max_stake_amount": 100.0,
            "amount": 0.01,
            "open_date": utc,
            "close_date": utc + pd.Timedelta(hours=30),
            "open_rate": 1.0,
            "close_rate": 1.1,
            "fee_open": 0.0005,
            "fee_close": 0.0005,
            "trade_duration": 1800,
            "profit_ratio": 0.1,
            "profit_abs": 10.0,
            "exit_reason": "roi",
            "initial_stop_loss_abs": 0.9,
            "initial_stop_loss_ratio": -0.1,
            "stop_loss_abs": 0.9,
            "stop_loss_ratio": -0.1,
            "min_rate": 1.0,
            "max_rate": 1.2,
            "is_open": False,
            "enter_tag": "",
            "leverage": 1.0,
            "is_short": found["side"] < 0,
            "open_timestamp": since_1970(found["at"], MILLISECOND),
            "close_timestamp": since_1970(found["at"] + pd.Timedelta(hours=30), MILLISECOND),
        }
    ).to_csv(folder / "trades.csv", index=False)
    for symbol in SYMBOLS:
        candles = bars_of(symbol).rename(columns={"at": "date", "usd": "volume"})
        candles["date"] = candles["date"].dt.tz_localize("UTC")
        candles.to_parquet(folder / f"{symbol}_USDT_USDT-1d-futures.parquet", index=False)


def tradingview_strategy(folder: Path) -> None:
    """The list of trades of the strategy tester, a file a symbol, and the data of its chart."""
    for symbol, found in trades().groupby("symbol"):
        rows = []
        for number, row in enumerate(found.itertuples(), start=1):
            kind = "long" if row.side > 0 else "short"
            for word, at in (("Entry", row.at), ("Exit", row.at + pd.Timedelta(hours=1))):
                rows.append(
                    {
                        "Trade #": number,
                        "Type": f"{word} {kind}",
                        "Date and time": f"{at:%Y-%m-%d %H:%M}",
                        "Signal": "MACD LE" if word == "Entry" else "TP",
                        "Price USDT": 100.5,
                        "Position size (qty)": 1,
                        "Net P&L USDT": 3.2,
                        "Net P&L %": 0.4,
                    }
                )
        pd.DataFrame(rows).to_csv(folder / f"MACD_BINANCE_{symbol}USDT_2025-11-02.csv", index=False)
        chart = bars_of(str(symbol)).drop(columns="usd").rename(columns={"at": "time"})
        chart["time"] = since_1970(chart["time"], MILLISECOND * 1000)
        chart.assign(Volume=12.5).to_csv(folder / f"BINANCE_{symbol}USDT, 1D.csv", index=False)


def tradingview_alerts(folder: Path) -> None:
    """The alerts log, and bars of CryptoDataDownload under the line that names the site."""
    found = trades()
    pd.DataFrame(
        {
            "Alert ID": range(1, len(found) + 1),
            "Ticker": "BINANCE:" + found["symbol"] + "USDT, 1D",
            "Name": "",
            "Description": found["side"].map({1: "Buy signal, RSI 31.2", -1: "Sell signal, RSI 70.1"}),
            "Time": found["at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    ).to_csv(folder / "TradingView_Alerts_Log_2025-11-02.csv", index=False)
    for symbol in SYMBOLS:
        rows = bars_of(symbol)[::-1]
        table = pd.DataFrame(
            {
                "Unix": since_1970(rows["at"], MILLISECOND),
                "Date": rows["at"].dt.strftime("%Y-%m-%d"),
                "Symbol": f"{symbol}USDT",
                **{name.title(): rows[name] for name in PRICES},
                f"Volume {symbol}": 3.0,
                "Volume USDT": rows["usd"],
                "tradecount": 7,
            }
        )
        text = "https://www.CryptoDataDownload.com\n" + table.to_csv(index=False)
        (folder / f"Binance_{symbol}USDT_d.csv").write_text(text)


def telegram(folder: Path) -> None:
    """A dump of a channel by a script, a spreadsheet's decimal commas, and klines of Bybit."""
    found = trades()
    pd.DataFrame(
        {
            "msg_id": range(9_000, 9_000 + len(found)),
            "Datum": found["at"].dt.strftime("%d.%m.%Y %H:%M"),
            "Date": found["at"].dt.strftime("%d.%m.%Y %H:%M"),
            "Coin": "#" + found["symbol"],
            "Side": found["side"].map({1: "LONG", -1: "SHORT"}),
            "Entry": "100,25",
            "SL": np.where(found["side"] > 0, "95,5", "105,5"),
            "TP1": np.where(found["side"] > 0, "1.200,5", "80,25"),
        }
    ).to_csv(folder / "vip_channel.csv", index=False, sep=";", encoding="utf-8-sig")
    for symbol in SYMBOLS:
        rows = bars_of(symbol)
        pd.DataFrame(
            {
                "startTime": since_1970(rows["at"], MILLISECOND),
                **{f"{name}Price": rows[name] for name in PRICES},
                "volume": 2.5,
                "turnover": rows["usd"],
            }
        ).to_csv(folder / f"{symbol}USDT_D.csv", index=False)


def binance(folder: Path) -> None:
    """Monthly klines of Binance's site, without a header and in microseconds, and a list of calls."""
    for symbol in SYMBOLS:
        rows = bars_of(symbol)
        start = since_1970(rows["at"], MILLISECOND / 1000)
        day = int(timedelta(days=1) / timedelta(microseconds=1))
        columns = [start, *(rows[name] for name in PRICES), 539.2, start + day - 1, rows["usd"], 13, 401.8, 1669.9, 0]
        table = pd.DataFrame(dict(enumerate(columns)))
        for month, of_month in table.groupby(rows["at"].dt.strftime("%Y-%m")):
            of_month.to_csv(folder / f"{symbol}USDT-1d-{month}.csv", index=False, header=False)
    found = trades()
    found["side"] = found["side"].map({1: "buy to open", -1: "sell short"})
    found["symbol"] += "/USDT"
    found.rename(columns={"at": "signal_time", "side": "Action"}).to_csv(folder / "calls.csv", index=False)


def kraken(folder: Path) -> None:
    """OHLCVT of Kraken without a header, where Bitcoin is XBT, and signals of a bot."""
    for symbol in SYMBOLS:
        rows = bars_of(symbol)
        seconds = since_1970(rows["at"], MILLISECOND * 1000)
        table = pd.DataFrame(dict(enumerate([seconds, *(rows[name] for name in PRICES), 1.5, 42])))
        name = symbol.replace("BTC", "XBT")
        table.to_csv(folder / f"{name}USD_1440.csv", index=False, header=False)
    found = trades()
    found["at"] = since_1970(found["at"], MILLISECOND * 1000)
    found["side"] = found["side"].map({1: "bullish", -1: "bearish"})
    found.rename(columns={"at": "timestamp", "side": "signal", "symbol": "asset"}).to_csv(
        folder / "signals_export.tsv", index=False, sep="\t"
    )


def coingecko(folder: Path) -> None:
    """The site's own export: one price a day, which is no bar."""
    for symbol in SYMBOLS:
        rows = bars_of(symbol)
        pd.DataFrame(
            {
                "snapped_at": rows["at"].dt.strftime("%Y-%m-%d 00:00:00 UTC"),
                "price": rows["close"],
                "market_cap": 1e12,
                "total_volume": rows["usd"],
            }
        ).to_csv(folder / f"{symbol.lower()}-usd-max.csv", index=False)
    trades().rename(columns={"at": "time"}).to_csv(folder / "calls.csv", index=False)


def archives(folder: Path) -> None:
    """What tools keep in forms that are not read: JSON of freqtrade and Telegram, ZIP of Binance, a workbook."""
    (folder / "backtest-result-2025-11-02.json").write_text('{"strategy": {}}')
    (folder / "result.json").write_text('{"name": "VIP", "messages": []}')
    (folder / "BTCUSDT-1d-2025-09.zip").write_bytes(b"PK\x03\x04")
    (folder / "calls.xlsx").write_bytes(b"PK\x03\x04")
    pd.DataFrame({"Datum": DAYS, "Kurs": 1.0}).to_csv(folder / "notes.csv", index=False)


# The folder, how a symbol of ours is spelled in its prices, and the sides of the rows it has beside the truth's.
READ_RIGHT: dict[str, tuple[Callable[[Path], None], dict[str, str], bool]] = {
    "freqtrade": (freqtrade, {}, True),
    "TradingView strategy": (tradingview_strategy, {}, False),
    "TradingView alerts": (tradingview_alerts, {"BTC": "BTCUSDT", "ETH": "ETHUSDT"}, True),
    "Telegram": (telegram, {}, True),
    "Binance": (binance, {}, True),
    "Kraken": (kraken, {"BTC": "XBT"}, True),
}


# --- the claims -----------------------------------------------------------------------------------------------------


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        prepare(opened, Settings(home=tmp_path / "home", _env_file=None))  # type: ignore[call-arg]
        yield opened


def proposed(folder: Path, fill: Callable[[Path], None]) -> str:
    """Fill the folder, and put what is proposed beside its files."""
    folder.mkdir()
    fill(folder)
    text = propose(folder)
    (folder / "trackrecord.toml").write_text(text, encoding="utf-8")
    return text


def rows_of(connection: duckdb.DuckDBPyConnection, folder: Path, home: Path, dataset: str, columns: str) -> list[Any]:
    """The typed rows of a dataset, no cell of which is unread."""
    source = FilesSource(folder)
    fetched = next(one for one in source.fetch(FetchRequest(AS_OF, home)) if one.dataset == dataset)
    kept = replace(keep(home, fetched, source="files"), declaration=fetched.declaration)
    incoming = read_incoming(connection, source, DATASETS[dataset], kept, as_of=AS_OF, is_replay=False)
    assert incoming.missing_columns == ()
    assert connection.execute("select distinct unnest(unparsed) from incoming").fetchall() == []
    if dataset == "tokens":
        give_ids(connection, home)
    return connection.execute(f"select {columns} from incoming order by all").fetchall()


@pytest.mark.parametrize("tool", READ_RIGHT)
def test_what_is_proposed_reads_the_folder_as_it_is(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, tool: str
) -> None:
    fill, spelled, is_trades_alone = READ_RIGHT[tool]
    folder, home = tmp_path / "folder", tmp_path / "home"
    text = proposed(folder, fill)

    tokens = rows_of(connection, folder, home, "tokens", "token_id, symbol")
    prices = rows_of(connection, folder, home, "prices", f"stated_symbol, timeframe, bar_start, {', '.join(PRICES)}")
    signals = rows_of(
        connection, folder, home, "signals", "stated_symbol, timeframe, signal_at, known_at, direction, token_id"
    )

    assert [symbol for _, symbol in tokens] == sorted(spelled.get(one, one) for one in SYMBOLS), text
    expected = [
        (spelled.get(symbol, symbol), "1d", row.at.to_pydatetime(), row.open, row.high, row.low, row.close)
        for symbol in SYMBOLS
        for row in bars_of(symbol).itertuples()
    ]
    assert prices == sorted(expected), text
    truth = sorted(
        (spelled.get(row.symbol, row.symbol), "1d", row.at.normalize().to_pydatetime(), row.at.floor("min"), row.side)
        for row in trades().itertuples()
    )
    found = [
        (symbol, timeframe, bar, known.replace(second=0, microsecond=0), side)
        for symbol, timeframe, bar, known, side, token_id in signals
        if (side or is_trades_alone) and token_id is not None
    ]
    assert found == truth, text


def test_what_is_proposed_of_binance_is_the_file_of_its_page(tmp_path: Path) -> None:
    proposed(tmp_path / "folder", binance)
    page = (ROOT / "docs" / "folders" / "ohlcv.md").read_text(encoding="utf-8")
    (tmp_path / "page.toml").write_text(re.findall(r"```toml\n(.*?)```", page, re.DOTALL)[1], encoding="utf-8")

    wanted, found = (
        read_folder_declaration(place / name)
        for place, name in ((tmp_path, "page.toml"), (tmp_path / "folder", "trackrecord.toml"))
    )

    for dataset in ("tokens", "prices"):
        assert found.of(dataset) == replace(wanted.of(dataset), file=found.of(dataset).file)
        assert found.of(dataset).named_in("ETHUSDT-1d-2025-09.csv") == {"{symbol}": "ETH"}
        assert wanted.of(dataset).named_in("ETHUSDT-1d-2025-09.csv") == {"{symbol}": "ETH"}


def test_entries_and_exits_are_events(tmp_path: Path) -> None:
    text = proposed(tmp_path / "folder", tradingview_strategy)

    assert 'style = "events"' in text
    assert "rows such as exit long end a trade" in text


def test_one_price_a_day_is_named_as_no_bars(tmp_path: Path) -> None:
    text = proposed(tmp_path / "folder", coingecko)

    assert "price is the price of one moment, and no bar. Take the OHLC export instead" in text
    assert 'file = "{symbol}-usd-max.csv"' in text
    assert "[signals.columns]" in text


def test_what_is_in_forms_that_are_not_read_is_named_with_what_to_do(tmp_path: Path) -> None:
    text = proposed(tmp_path / "folder", archives)

    for name, form in (
        ("backtest-result-2025-11-02.json", "JSON"),
        ("result.json", "JSON"),
        ("BTCUSDT-1d-2025-09.zip", "a ZIP archive"),
        ("calls.xlsx", "an Excel workbook"),
    ):
        assert f"{name}: {form} is not read; save its table as CSV or Parquet, or unpack it." in text
    assert "notes.csv: could not be recognized as" in text
    assert "prices: no file of it was found; it is required." in text
    assert "signals: no file of it was found; it is required." in text
