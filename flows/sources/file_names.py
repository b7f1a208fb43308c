"""Patterns of file names: where the symbol and the timeframe stand in the names of files of one form."""

import re
from collections.abc import Sequence

from flows.sources.guesses import timeframe_of

QUOTES = ("FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USD")
# Words in the names of files that are no symbol.
NO_SYMBOLS = {
    "binance", "bybit", "kraken", "coinbase", "okx", "okex", "kucoin", "bitfinex", "bitstamp", "gateio", "gate", "mexc",
    "huobi", "htx", "deribit", "gemini", "bitget", "spot", "futures", "perp", "perpetual", "linear", "swap", "um", "cm",
    "ohlc", "ohlcv", "ohlcvt", "kline", "klines", "candle", "candles", "bars", "price", "prices", "data", "daily",
    "hourly", "history", "historical", "export", "chart", "max", "list", "of", "trades", "trade", "signals", "alerts",
    "csv", "tsv", "parquet", "gz", "zst",
}  # fmt: skip


def shape_of(name: str) -> tuple[str, ...]:
    """What separates the words of a name: files of one form have the same."""
    return tuple(_pieces(name)[1::2])


def without_symbol(column: str, name: str) -> str:
    """A column's name without the symbol that the name of its file begins with in some word: the BTC of Volume BTC."""
    words = [word.upper() for word in _pieces(name)[::2]]
    parts = _pieces(column)
    return "".join(
        "{symbol}" if len(part) > 1 and part.isupper() and any(word.startswith(part) for word in words) else part
        for part in parts
    )


def has_token_place(pattern: str) -> bool:
    """Whether a pattern takes the symbol from the name."""
    return "{symbol}" in pattern


def name_pattern(names: Sequence[str], *, has_symbol: bool, has_timeframe: bool) -> str:
    """The pattern of names of one shape: what they share, and `*` where they differ.

    Without a symbol, or a timeframe, among the columns, its place in the name is looked for.
    """
    words = list(zip(*map(_pieces, names), strict=True))
    place = None if has_symbol else _symbol_place(words)
    parts = []
    for number, texts in enumerate(words):
        if number == place:
            parts.append(_symbol_part(texts))
        elif len(set(texts)) == 1:
            parts.append(texts[0])
        elif not has_timeframe and "{timeframe}" not in parts and all(map(timeframe_of, texts)):
            parts.append("{timeframe}")
        else:
            parts.append("*")
    return "".join(parts)


def _pieces(name: str) -> list[str]:
    """The words of a name, and what is between them, in turn."""
    return re.split(r"([^A-Za-z0-9]+)", name)


def _symbol_place(words: Sequence[tuple[str, ...]]) -> int | None:
    """The place of the word that is likeliest a symbol: it differs, ends in a currency, or comes first."""
    candidates = [number for number in range(0, len(words), 2) if _may_be_symbols(words[number])]
    if not candidates:
        return None
    return max(
        candidates,
        key=lambda number: (
            len(set(words[number])) > 1,
            any(_ends_in(text, quote) for text in words[number] for quote in QUOTES),
            -number,
        ),
    )


def _may_be_symbols(texts: tuple[str, ...]) -> bool:
    return all(
        text and not text.isdigit() and text.lower() not in NO_SYMBOLS and text.upper() not in QUOTES for text in texts
    ) and not all(map(timeframe_of, texts))


def _symbol_part(texts: tuple[str, ...]) -> str:
    """The placeholder, before the currency that all of several names end in."""
    spelled = {text[-len(quote) :] for quote in QUOTES for text in texts if _ends_in(text, quote)}
    quote = next((one for one in sorted(spelled, key=len)[::-1] if all(text.endswith(one) for text in texts)), "")
    return "{symbol}" + (quote if len(set(texts)) > 1 else "")


def _ends_in(text: str, quote: str) -> bool:
    """Whether a word is a pair that ends in a currency."""
    return text.upper().endswith(quote) and len(text) > len(quote) + 1
