"""`trackrecord map` on folders of other tools than those of docs/folders: what is proposed, and what is left open."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from flows.errors import SourceError, UsageError
from flows.sources.declaration import Declaration, read_folder_declaration
from flows.sources.proposal import propose

DAYS = pd.date_range("2025-09-01", periods=40)
HOURS = pd.date_range("2025-09-01", periods=60, freq="h")
OHLC = {"open": 10.0, "high": 11.0, "low": 9.0, "close": 10.5}


def write(folder: Path, name: str, frame: pd.DataFrame, **how: Any) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".parquet"):
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False, **how)


def bars(moments: object, **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"time": moments} | columns | OHLC)


def sides(moments: object, symbol: str, *words: str) -> pd.DataFrame:
    n = len(pd.Series(moments))
    return pd.DataFrame({"when": moments, "what": symbol, "how": [words[i % len(words)] for i in range(n)]})


def cryptodatadownload(folder: Path) -> None:
    frame = bars(DAYS.strftime("%Y-%m-%d %H:%M:%S"), Symbol="BTC/USDT").rename(columns={"time": "Date"})
    frame.insert(0, "Unix", (DAYS - pd.Timestamp(0)) // pd.Timedelta("1s"))
    write(folder, "prices.csv", frame.assign(**{"Volume BTC": 1.0, "Volume USDT": 2.0}))
    write(folder, "signals.csv", pd.DataFrame({"symbol": "BTC/USDT", "timestamp": DAYS, "signal": [0, 1] * 20}))


def kraken(folder: Path) -> None:
    seconds = (HOURS - pd.Timestamp(0)) // pd.Timedelta("1s")
    for pair in ("XBTUSD", "ETHUSD"):
        write(
            folder, f"{pair}_60.csv", bars(seconds).rename(columns={"time": "timestamp"}).assign(volume=1.0, trades=3)
        )
    alerts = sides(HOURS[:20] + pd.Timedelta(minutes=7), "ETHUSD", "long", "short")
    write(folder, "alerts.csv", alerts.rename(columns={"when": "created_at", "what": "ticker", "how": "side"}))


def three_commas(folder: Path) -> None:
    write(folder, "prices.csv", bars(DAYS, symbol="BTC", timeframe="1d").rename(columns={"time": "bar_start"}))
    deals = sides(DAYS[:20] + pd.Timedelta(hours=5), "USDT_BTC", "Long", "Short")
    write(folder, "deals.csv", deals.rename(columns={"when": "Created at", "what": "Pair", "how": "Type"}))


def metatrader(folder: Path) -> None:
    write(folder, "BTCUSD_D1.csv", bars(DAYS.strftime("%Y.%m.%d %H:%M")).assign(tickvol=3), sep="\t")
    orders = sides((DAYS[:20] + pd.Timedelta(hours=5)).strftime("%Y.%m.%d %H:%M:%S"), "BTC", "buy", "sell")
    write(
        folder, "history.csv", orders.rename(columns={"when": "Open Time", "what": "Symbol", "how": "Type"}), sep="\t"
    )


def spreadsheet(folder: Path) -> None:
    frame = bars(DAYS.strftime("%d/%m/%Y"), Coin="ETH").rename(columns={"time": "Datum"})
    write(folder, "prices.csv", frame.rename(columns={"Datum": "Date"}), sep=";", decimal=",")
    calls = sides(DAYS[:20].strftime("%d/%m/%Y"), "ETH", "Kaufen", "Verkaufen")
    write(folder, "signals.csv", calls.rename(columns={"when": "Date", "what": "Coin", "how": "Signal"}), sep=";")


def research(folder: Path) -> None:
    write(folder, "prices.parquet", bars(DAYS, ticker="SOL", interval="1D").rename(columns={"time": "ts"}))
    states = sides(DAYS, "SOL", "LONG", "FLAT", "SHORT").assign(conf=0.5)
    write(
        folder,
        "signals.parquet",
        states.rename(columns={"when": "ts", "what": "ticker", "how": "position"}).assign(interval="1D"),
    )


def chat(folder: Path) -> None:
    write(folder, "prices.csv", bars(DAYS, symbol="BTC", timeframe="1d").rename(columns={"time": "bar_start"}))
    texts = [f"Good morning everyone, {number} people here!" for number in range(20)]
    write(folder, "dump.csv", pd.DataFrame({"date": DAYS[:20], "from": "admin", "text": texts}))


def closes_only(folder: Path) -> None:
    frame = pd.DataFrame({"snapped_at": DAYS.strftime("%Y-%m-%d 00:00:00 UTC"), "price": 10.0, "total_volume": 5.0})
    write(folder, "btc-usd-max.csv", frame)
    write(folder, "signals.csv", pd.DataFrame({"symbol": "btc", "signal_at": DAYS, "direction": 1, "timeframe": "1d"}))


def declared(tmp_path: Path, fill: Callable[[Path], None]) -> tuple[str, Declaration, Declaration]:
    """What is proposed, and how it reads prices and signals."""
    folder = tmp_path / "folder"
    fill(folder)
    text = propose(folder)
    (tmp_path / "trackrecord.toml").write_text(text, encoding="utf-8")
    found = read_folder_declaration(tmp_path / "trackrecord.toml")
    return text, found.of("prices"), found.of("signals")


def test_candles_with_two_moments_and_two_volumes_take_the_one_in_usd(tmp_path: Path) -> None:
    _, prices, signals = declared(tmp_path, cryptodatadownload)

    assert prices.theirs["volume_usd"] == "volume usdt"
    assert prices.theirs["bar_start"] in ("unix", "date")
    assert prices.constants == signals.constants == {"timeframe": "1d"}
    assert signals.theirs == {"signal_at": "timestamp", "direction": "signal"}


def test_a_file_a_pair_gives_the_symbol_by_its_name(tmp_path: Path) -> None:
    text, prices, signals = declared(tmp_path, kraken)

    assert "XBT" in prices.named_in("XBTUSD_60.csv")["{symbol}"]
    assert prices.constants == {"timeframe": "1h"}
    assert signals.words["direction"] == {"long": "1", "short": "-1"}
    assert (signals.style, signals.moment) == ("events", "published")
    assert "volume may be in coins" in text


def test_deals_of_a_bot_are_events_of_the_pair_that_prices_spell_otherwise(tmp_path: Path) -> None:
    _, prices, signals = declared(tmp_path, three_commas)

    assert prices.columns == {}
    assert signals.theirs == {"signal_at": "created at", "direction": "type", "symbol": "pair"}
    assert signals.words["direction"] == {"long": "1", "short": "-1"}
    assert (signals.style, signals.moment) == ("events", "published")


def test_dates_with_points_and_tabs_are_recognized(tmp_path: Path) -> None:
    _, prices, signals = declared(tmp_path, metatrader)

    assert prices.datetime_format["bar_start"] == ("%Y.%m.%d %H:%M",)
    assert prices.named_in("BTCUSD_D1.csv") == {"{symbol}": "BTCUSD"}
    assert signals.datetime_format["signal_at"] == ("%Y.%m.%d %H:%M:%S",)
    assert signals.words["direction"] == {"buy": "1", "sell": "-1"}
    assert signals.words["symbol"] == {"btc": "BTCUSD"}


def test_a_spreadsheet_in_another_language_leaves_its_words_to_the_reader(tmp_path: Path) -> None:
    text, prices, _ = declared(tmp_path, spreadsheet)

    assert prices.datetime_format["bar_start"] == ("%d/%m/%Y",)
    assert prices.decimal == ","
    assert prices.theirs["symbol"] == "coin"
    assert "signals: no column could be recognized as direction; there are Date, Coin, Signal." in text


def test_states_with_a_neutral_side_are_no_events(tmp_path: Path) -> None:
    _, prices, signals = declared(tmp_path, research)

    assert prices.theirs == {"bar_start": "ts", "symbol": "ticker", "timeframe": "interval"}
    assert prices.words["timeframe"] == signals.words["timeframe"] == {"1d": "1d"}
    assert signals.words["direction"] == {"long": "1", "flat": "0", "short": "-1"}
    assert (signals.style, signals.moment) == (None, "start")


def test_a_chat_without_sides_is_named_and_not_read(tmp_path: Path) -> None:
    text, _, signals = declared(tmp_path, chat)

    assert signals.columns == {}
    assert "dump.csv: could not be recognized as tokens, prices, signals" in text
    assert "signals: no file of it was found; it is required." in text


def test_one_price_a_day_is_no_bar_and_is_not_made_one(tmp_path: Path) -> None:
    text, prices, _ = declared(tmp_path, closes_only)

    assert not {"open", "high", "low"} & set(prices.theirs)
    assert "bars need all four" in text.lower()


@pytest.mark.parametrize(("name", "error"), [("nowhere", UsageError), ("empty", SourceError)])
def test_a_folder_with_nothing_to_read_is_refused_in_words(tmp_path: Path, name: str, error: type[Exception]) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(error, match=name):
        propose(tmp_path / name)


def test_what_a_run_passes_over_or_refuses_is_no_part_of_a_proposal(tmp_path: Path) -> None:
    """A left-over of an editor is not read; a link out of the folder, to a secret for one, is refused by name."""
    folder, outside = tmp_path / "folder", tmp_path / "secret.csv"
    write(folder, "prices.csv", bars(DAYS))
    proposed = propose(folder)
    write(folder, "#prices.csv#", bars(DAYS))
    write(folder, "prices.csv.bak", bars(DAYS))
    assert propose(folder) == proposed
    outside.write_text("key\nsecret\n", encoding="utf-8")
    (folder / "signals.csv").symlink_to(outside)
    with pytest.raises(SourceError, match=r"signals\.csv is a link to .*outside"):
        propose(folder)
