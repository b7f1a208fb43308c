"""Folders of other tools are read with the trackrecord.toml of their page in docs/, and `map` proposes it."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flows.config import ROOT
from flows.sources.declaration import read_folder_declaration

from .desk import Desk

DAYS = pd.date_range("2025-09-01", "2025-11-30")
SYMBOLS = ("BTC", "ETH")
PRICES = ["open", "high", "low", "close"]


def bars_of(symbol: str) -> pd.DataFrame:
    """Daily bars of a token, the same in every dialect."""
    draw = np.random.default_rng(len(symbol) + ord(symbol[0]))
    close = (100 * np.exp(np.cumsum(draw.normal(0, 0.02, len(DAYS))))).round(4)
    opened = np.concatenate([[100.0], close[:-1]])
    return pd.DataFrame(
        {
            "day": DAYS,
            "open": opened,
            "high": (np.maximum(opened, close) * 1.01).round(4),
            "low": (np.minimum(opened, close) * 0.99).round(4),
            "close": close,
            "usd": (draw.uniform(1e6, 2e6, len(DAYS))).round(2),
        }
    )


def alerts() -> pd.DataFrame:
    """Alerts on some days, each at a minute of its own; UTC."""
    draw = np.random.default_rng(7)
    rows = [
        {
            "symbol": symbol,
            "at": pd.Timestamp("2025-09-10 00:07") + pd.Timedelta(days=int(day), minutes=int(draw.integers(60, 1300))),
            "side": int(draw.choice([-1, 1])),
        }
        for symbol in SYMBOLS
        for day in sorted(draw.choice(70, size=12, replace=False))
    ]
    return pd.DataFrame(rows)


def milliseconds(moments: "pd.Series[pd.Timestamp]") -> "pd.Series[int]":
    return (moments - pd.Timestamp(0)) // pd.Timedelta(milliseconds=1)


def write_klines(folder: Path, *, timeframe: str = "1d") -> None:
    for symbol in SYMBOLS:
        bars = bars_of(symbol)
        klines = bars[PRICES].assign(volume=1.0, close_time=0, quote_volume=bars["usd"], count=3, ignore=0)
        klines.insert(0, "open_time", milliseconds(bars["day"]))
        klines.to_csv(folder / f"{symbol}USDT-{timeframe}.csv", index=False)


def write_freqtrade(folder: Path) -> None:
    write_klines(folder)
    trades = alerts()
    pd.DataFrame(
        {
            "pair": trades["symbol"] + "/USDT",
            "stake_amount": 100.0,
            "amount": 1.0,
            "open_date": trades["at"].dt.tz_localize("UTC"),
            "close_date": (trades["at"] + pd.Timedelta(days=3)).dt.tz_localize("UTC"),
            "open_rate": 1.0,
            "close_rate": 1.1,
            "profit_ratio": 0.1,
            "exit_reason": "roi",
            "stop_loss_abs": 0.9,
            "is_open": False,
            "enter_tag": "",
            "is_short": trades["side"] < 0,
            "open_timestamp": milliseconds(trades["at"]),
        }
    ).to_csv(folder / "trades.csv", index=False)


def all_bars(**names: str) -> pd.DataFrame:
    frame = pd.concat([bars_of(symbol).assign(symbol=symbol) for symbol in SYMBOLS])
    return frame.rename(columns=names)


def write_tradingview(folder: Path) -> None:
    bars = all_bars(day="Date", symbol="Symbol", usd="Volume USDT", **{name: name.title() for name in PRICES})
    bars.assign(Symbol=bars["Symbol"] + "USDT").to_csv(folder / "ohlcv.csv", index=False)
    fired = alerts()
    pd.DataFrame(
        {
            "Alert ID": range(len(fired)),
            "Ticker": "BINANCE:" + fired["symbol"] + "USDT, 1D",
            "Name": "My strategy",
            "Description": fired["side"].map({1: "Buy signal", -1: "Sell signal"}),
            "Time": fired["at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    ).to_csv(folder / "TradingView_Alerts_Log_2026-02-28.csv", index=False)


def write_telegram(folder: Path) -> None:
    all_bars(day="date", symbol="coin", usd="total_volume").to_csv(folder / "prices.csv", index=False)
    pd.DataFrame({"symbol": SYMBOLS, "name": ["Bitcoin", "Ethereum"], "categories": "Layer 1"}).to_csv(
        folder / "tokens.csv", index=False
    )
    sent = alerts()
    local = sent["at"].dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin")
    pd.DataFrame(
        {
            "date": local.dt.strftime("%d.%m.%Y %H:%M:%S"),
            "symbol": "$" + sent["symbol"],
            "signal": sent["side"].map({1: "BUY", -1: "SELL"}),
            "entry": 100.0,
            "stop": np.where(sent["side"] > 0, 95.0, 105.0),
            "target": np.where(sent["side"] > 0, 120.0, 80.0),
        }
    ).to_csv(folder / "messages.csv", index=False, sep=";")


TOOLS = {"freqtrade": write_freqtrade, "tradingview": write_tradingview, "telegram": write_telegram}


def blocks_of(page: str) -> list[str]:
    """The TOML on a page of docs/folders."""
    text = (ROOT / "docs" / "folders" / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(r"```toml\n(.*?)```", text, re.DOTALL)


@pytest.fixture
def empty_desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path / "folder", tmp_path / "home")
    desk.folder.mkdir()
    return desk


def expected_signals(desk: Desk) -> list[tuple[object, ...]]:
    """Of each token and day the last alert, at the start of its day, known when it fired."""
    rows = {(row.symbol, row.at.normalize()): row for row in alerts().sort_values("at").itertuples()}
    return sorted(
        (symbol, day.to_pydatetime(), row.side, row.at.to_pydatetime()) for (symbol, day), row in rows.items()
    )


@pytest.mark.parametrize("tool", TOOLS)
def test_a_folder_of_the_tool_is_read_with_the_file_of_its_page(empty_desk: Desk, tool: str) -> None:
    desk = empty_desk
    TOOLS[tool](desk.folder)
    (block,) = blocks_of(tool)
    (desk.folder / "trackrecord.toml").write_text(block, encoding="utf-8")

    answer = desk.nightly()

    assert answer.exit_code == 0, answer.err
    suffix = "USDT" if tool == "tradingview" else ""
    assert desk.ask(
        f"select replace(symbol, '{suffix or '-'}', ''), signal_at, direction, signal.known_at from core.signal "
        "inner join core.token using (token_id) order by all"
    ) == expected_signals(desk)
    expected_bars = sorted(
        (f"{symbol}{suffix}", *row) for symbol in SYMBOLS for row in bars_of(symbol).itertuples(index=False, name=None)
    )
    assert (
        desk.ask(
            "select symbol, bar_start, open, high, low, close, volume_usd from core.price_bar "
            "inner join core.token using (token_id) order by all"
        )
        == expected_bars
    )
    assert desk.ask("select distinct vendor from core.signal") == [
        (read_folder_declaration(desk.folder / "trackrecord.toml").vendor,)
    ]
    before = desk.ask("from core.signal order by all")
    assert desk.run("restore", "--from-raw").exit_code == 0
    assert desk.nightly().exit_code == 0
    assert desk.ask("from core.signal order by all") == before


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.slow
def test_map_proposes_the_file_of_the_page(empty_desk: Desk, tool: str) -> None:
    desk = empty_desk
    TOOLS[tool](desk.folder)
    page, proposed = desk.folder / "page.toml", desk.folder / "proposed.toml"
    (block,) = blocks_of(tool)
    page.write_text(block, encoding="utf-8")

    answer = desk.run("map", str(desk.folder))
    proposed.write_text(answer.out, encoding="utf-8")

    assert answer.exit_code == 0, answer.err
    wanted, found = read_folder_declaration(page), read_folder_declaration(proposed)
    for name in ("prices", "signals"):
        of_page, of_map = wanted.of(name), found.of(name)
        assert of_map.columns == of_page.columns
        assert of_map.words == of_page.words
        assert of_map.constants == of_page.constants
        assert (of_map.style, of_map.moment) == (of_page.style, of_page.moment)
        assert {name: forms[0] for name, forms in of_map.datetime_format.items()} == {
            name: forms[0] for name, forms in of_page.datetime_format.items()
        }
    assert "yours to settle" in answer.out


def test_klines_of_an_exchange_and_candles_of_coingecko_are_the_same_bars(tmp_path: Path) -> None:
    exchange, _, coingecko = blocks_of("ohlcv")
    answers = []
    for name, block in (("exchange", exchange.replace("1h", "1d")), ("coingecko", coingecko)):
        desk = Desk(tmp_path / name, tmp_path / f"home-{name}")
        desk.folder.mkdir()
        if name == "exchange":
            write_klines(desk.folder)
        else:
            for symbol in SYMBOLS:
                bars = bars_of(symbol)
                candles = bars[PRICES].copy()
                # Of a candle CoinGecko gives the end.
                candles.insert(0, "timestamp", milliseconds(bars["day"] + pd.Timedelta(days=1)))
                candles.to_csv(desk.folder / f"{symbol}.csv", index=False)
        (desk.folder / "trackrecord.toml").write_text(block, encoding="utf-8")
        signals = alerts().assign(timeframe="1d", signal_at=lambda frame: frame["at"].dt.normalize())
        signals = signals.drop_duplicates(["symbol", "signal_at"]).rename(columns={"side": "direction"})
        signals.drop(columns="at").to_csv(desk.folder / "signals.csv", index=False)

        answer = desk.nightly()

        assert answer.exit_code == 0, answer.err
        answers.append(
            desk.ask(
                "select symbol, signal_at, horizon, entry_at, entry_price, exit_price, status "
                "from marts.signal_outcome where entry_rule = 'next_open' order by all"
            )
        )
    assert len(answers[0]) > 40
    assert answers[0] == answers[1]


def test_a_day_that_begins_at_23_is_our_day_once_declared_and_never_with_another_grid(empty_desk: Desk) -> None:
    desk = empty_desk
    frame = all_bars(day="bar_start", usd="volume_usd")
    hour = pd.Timedelta(hours=1)
    signals = alerts().assign(timeframe="1d", signal_at=lambda rows: rows["at"].dt.normalize() - hour)
    signals = signals.drop_duplicates(["symbol", "signal_at"]).rename(columns={"side": "direction"})
    pd.DataFrame({"symbol": SYMBOLS}).to_csv(desk.folder / "tokens.csv", index=False)
    frame.assign(bar_start=frame["bar_start"] - hour, timeframe="1d").to_csv(desk.folder / "prices.csv", index=False)
    signals.drop(columns="at").to_csv(desk.folder / "signals.csv", index=False)
    stopped = desk.nightly()
    assert stopped.exit_code == 3 and 'bar_offset = { "1d" = "-1h" }' in stopped.err

    (desk.folder / "trackrecord.toml").write_text('bar_offset = "-1h"\n', encoding="utf-8")
    answer = desk.nightly()

    assert answer.exit_code == 0, answer.err
    assert (
        desk.ask_one(
            "select count(*) from marts.signal_outcome where entry_at <> signal_at + interval 1 day "
            "and entry_rule = 'next_open'"
        )
        == 0
    )
    assert desk.ask_one("select count(*) from core.signal where is_snapped") == 0
    assert desk.ask_one("select count(*) from core.price_bar where hour(bar_start) <> 23") == 0
    outcomes = desk.ask("from marts.signal_outcome order by all")
    assert desk.run("restore", "--from-raw").exit_code == 0
    assert desk.nightly().exit_code == 0
    assert desk.ask("from marts.signal_outcome order by all") == outcomes

    (desk.folder / "trackrecord.toml").write_text('bar_offset = "-2h"\n', encoding="utf-8")
    refused = desk.nightly()
    assert refused.exit_code == 2 and "a home of its own" in refused.err


@pytest.mark.slow
def test_a_corrected_zone_reads_what_is_stored_again_and_leaves_nothing_of_the_wrong_one(empty_desk: Desk) -> None:
    """As though it had been right from the first night on, clocks included."""
    desk = empty_desk
    write_telegram(desk.folder)
    (block,) = blocks_of("telegram")
    toml = desk.folder / "trackrecord.toml"
    toml.write_text(block.replace('timezone = "Europe/Berlin"', 'timezone = "Asia/Tokyo"'), encoding="utf-8")
    first = desk.nightly()
    assert first.exit_code == 0, first.err
    assert [row[:3] for row in _signals(desk)] != [row[:3] for row in expected_signals(desk)]
    (fetched_at,) = desk.ask("select min(as_of) from ops.snapshot where dataset = 'signals'")[0]

    toml.write_text(block, encoding="utf-8")
    second = desk.nightly()

    assert second.exit_code == 0, second.err
    assert _signals(desk) == expected_signals(desk)
    assert desk.ask("select distinct known_to from core.signal") == [(None,)]
    in_use = desk.ask("select as_of from ops.snapshot where dataset = 'signals' and superseded_by is null")
    assert in_use == [(fetched_at,)]
    outcomes = desk.ask("from marts.signal_outcome order by all")
    assert desk.run("restore", "--from-raw").exit_code == 0
    assert desk.nightly().exit_code == 0
    assert desk.ask("from marts.signal_outcome order by all") == outcomes

    # What rows are taken to mean is no other reading: nothing is read again for it.
    toml.write_text(block.replace('"events"', '"states"'), encoding="utf-8")
    n_superseded = desk.ask_one("select count(superseded_by) from ops.snapshot")
    third = desk.nightly()
    assert third.exit_code == 0, third.err
    assert desk.ask_one("select count(superseded_by) from ops.snapshot") == n_superseded
    assert "signals: 24 rows, 0 new" in third.out


def _signals(desk: Desk) -> list[tuple[object, ...]]:
    return desk.ask(
        "select symbol, signal_at, direction, signal.known_at from core.signal inner join core.token using (token_id) "
        "order by all"
    )
