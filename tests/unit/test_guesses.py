"""Guesses at other tools' habits: the mark of decimals, what a symbol stands for, where a name of a file has it."""

import pytest

from flows.sources.declaration import file_pattern
from flows.sources.file_names import name_pattern
from flows.sources.guesses import core_of, decimal_of, open_decimal


@pytest.mark.parametrize(
    ("numbers", "mark"),
    [
        (["1,234.50", "12.5"], "."),
        (["1,234,567", "3"], "."),
        (["0,0096434", "850811038,1004134"], ","),
        (["1.234,5", "12"], ","),
        (["2,5E-08", "1,0"], ","),
        (["1.5", "1e-9"], None),
        (["1'234.50"], None),
        (["$1,234.50"], None),
    ],
)
def test_the_decimal_mark_is_the_one_that_makes_all_of_them_numbers(numbers: list[str], mark: str | None) -> None:
    assert decimal_of(numbers) == mark
    assert open_decimal(numbers) is None


@pytest.mark.parametrize("numbers", [["1,234"], ["64,100", "12"], ["1,234", "7,125", "999"]])
def test_of_a_comma_before_three_digits_only_the_writer_knows(numbers: list[str]) -> None:
    """1,234 may be 1234 or 1.234: neither is proposed."""
    assert decimal_of(numbers) is None
    assert open_decimal(numbers) == numbers[0]


@pytest.mark.parametrize(
    ("spelled", "core"),
    [
        ("BTC/USDT:USDT", "BTC"),
        ("XBTUSD", "BTC"),
        ("BINANCE:ETHUSDT.P", "ETH"),
        ("BINANCE:SOLUSDT, 1D", "SOL"),
        ("btc-usd", "BTC"),
        ("#DOGE", "DOGE"),
        ("USDT", "USDT"),
    ],
)
def test_a_symbol_is_known_under_other_spellings(spelled: str, core: str) -> None:
    assert core_of(spelled) == core


@pytest.mark.parametrize(
    ("names", "pattern", "symbols"),
    [
        (["BTCUSDT-1d-2025-09.csv", "ETHUSDT-1d-2025-10.csv"], "{symbol}USDT-1d-2025-*.csv", ["BTC", "ETH"]),
        (["BTCUSDT-1d-2025-09.csv", "BTCUSDT-1d-2025-10.csv"], "{symbol}-1d-2025-*.csv", ["BTCUSDT", "BTCUSDT"]),
        (["XBTUSD_60.csv", "ETHUSD_1440.csv"], "{symbol}USD_{timeframe}.csv", ["XBT", "ETH"]),
        (["BINANCE_BTCUSDT, 1D.csv"], "BINANCE_{symbol}, 1D.csv", ["BTCUSDT"]),
        (["ATOM.csv", "SCROM.csv"], "{symbol}.csv", ["ATOM", "SCROM"]),
        (["spot/BTC_USDT-1h.csv", "spot/ETH_USDT-1h.csv"], "spot/{symbol}_USDT-1h.csv", ["BTC", "ETH"]),
    ],
)
def test_the_symbol_is_found_in_the_names_of_files(names: list[str], pattern: str, symbols: list[str]) -> None:
    found = name_pattern(names, has_symbol=False, has_timeframe=False)

    assert found == pattern
    matches = [file_pattern(found).fullmatch(name) for name in names]
    assert [match["symbol"] for match in matches if match] == symbols
