"""Guesses at what a file of another tool means: its columns, its words, the form of its moments and numbers.

A guess is only ever proposed, by `trackrecord map` and by the message of a gate that stopped; nothing is read by one.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from flows.timeframes import TIMEFRAMES

# Names that other tools have for our columns, in small letters and without marks; the likelier first.
ALIASES: dict[str, tuple[str, ...]] = {
    "symbol": (
        "symbol", "ticker", "coin", "asset", "pair", "market", "instrument", "token", "tokensymbol", "coinsymbol",
        "currency", "base", "code", "contract", "product", "security", "tickerid",
    ),
    "token_id": ("tokenid", "coinid", "assetid", "id"),
    "name": ("name", "tokenname", "coinname", "fullname", "assetname"),
    "categories": ("categories", "category", "tags", "tag", "sectors"),
    "sector": ("sector", "industry"),
    "timeframe": ("timeframe", "interval", "resolution", "tf", "period", "granularity", "barsize", "frequency"),
    "bar_start": (
        "barstart", "opentime", "opentimestamp", "timestamp", "time", "datetime", "date", "unix", "unixtime", "ts", "t",
        "day", "snappedat", "startat", "starttime", "candlebegintime",
    ),
    "open": ("open", "o", "openprice", "priceopen", "openingprice"),
    "high": ("high", "h", "highprice", "pricehigh", "max", "hi"),
    "low": ("low", "l", "lowprice", "pricelow", "min", "lo"),
    "close": ("close", "c", "closeprice", "priceclose", "closingprice", "last", "lastprice", "adjclose"),
    "volume_usd": (
        "volumeusd", "volumeusdt", "quotevolume", "quoteassetvolume", "volumequote", "turnover", "totalvolume",
        "amountusd", "dollarvolume", "volumeto",
    ),
    "price_source": ("pricesource", "exchange", "source", "venue"),
    "signal_at": (
        "signalat", "signaltime", "signaldate", "alerttime", "alertdate", "entrydate", "entrytime", "opendate",
        "opentime", "openedat", "firedat", "triggeredat", "triggertime", "createdat", "publishedat", "postedat",
        "messagedate", "moment", "timestamp", "time", "datetime", "date", "ts", "sentat", "dateandtime",
    ),
    "direction": (
        "direction", "signal", "side", "action", "position", "type", "ordertype", "ordersaction", "ordersideaction",
        "recommendation", "trade", "buysell", "call", "isshort", "verdict", "signaltype", "tradetype", "description",
        "message", "text", "alert", "comment", "content", "body",
    ),
    "trend": ("trend", "state", "stance"),
    "score": ("score", "confidence", "probability", "strength", "conviction", "prob"),
    "known_at": ("knownat", "publishedat", "receivedat", "fetchedat", "insertedat"),
    "stop_price": ("stopprice", "stop", "stoploss", "sl", "stopp", "initialstoplossabs", "stoplossabs"),
    "target_price": (
        "targetprice", "target", "takeprofit", "tp", "tp1", "target1", "takeprofit1", "takeprofitprice",
    ),
    "expires_at": ("expiresat", "closedate", "exitdate", "exittime", "closedat", "expiry", "validuntil", "expires"),
}  # fmt: skip

# The columns of klines as Binance offers them for download, without a header.
KLINE = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count", "taker_buy_volume",
    "taker_buy_quote_volume", "ignore",
)  # fmt: skip

# Words for a side; longer ones are found by the first of these that they begin with.
SIDES: dict[str, tuple[str, ...]] = {
    "1": ("buy", "long", "bull", "up", "strong buy", "strong_buy", "enter long", "entry long", "long entry", "call"),
    "-1": ("sell", "short", "bear", "down", "strong sell", "strong_sell", "enter short", "entry short", "put"),
    "0": ("hold", "neutral", "flat", "none", "wait", "no signal", "close", "exit", "out", "cash", "no position"),
}
LEVELS: dict[str, tuple[str, ...]] = {
    "support": ("support", "sup", "s", "floor", "demand"),
    "resistance": ("resistance", "res", "r", "ceiling", "supply"),
}

# Names that one exchange has for what all others call by another.
SYNONYMS = {"XBT": "BTC", "XDG": "DOGE"}

UNIT_SECONDS = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
TIMEFRAME = re.compile(
    r"(?:pt?)?(\d*) *[-_]?(minutes?|mins?|m|t|hours?|hourly|hrs?|h|days?|daily|d|weeks?|weekly|wk|w)?", re.IGNORECASE
)

# Forms of moments beside ISO 8601. Of a pair that differs in the order of day and month alone only a day above 12
# decides.
DATES = (
    "%d/%m/%y", "%m/%d/%y", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d-%m-%y",
    "%m-%d-%y", "%y-%m-%d", "%y/%m/%d", "%Y%m%d", "%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%d-%b-%Y",
    "%b %d %Y", "%a %b %d %Y", "%Y.%m.%d",
)  # fmt: skip
TIMES = (
    "", " %H:%M:%S", " %H:%M", " %H:%M:%S.%f", " %I:%M:%S %p", " %I:%M %p", ", %H:%M:%S", ", %H:%M", "T%H:%M:%S",
    " %H-%p", "%H%M%S", "%H%M", " %H%M%S",
)  # fmt: skip

# A year beyond these is a misreading of the format.
FIRST_YEAR, LAST_YEAR = 2000, 2100


def plain(name: str) -> str:
    """A column's name as aliases are compared: small letters and digits."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def header_of(columns: Sequence[Sequence[str]], is_moment: Callable[[Sequence[str]], bool]) -> tuple[str, ...]:
    """Names for the columns of bars without a header; those that are not recognized are numbered.

    A moment comes first, then open, high, low and close, which their values show.
    """
    names = [f"column {place}" for place in range(1, len(columns) + 1)]
    if len(columns) == len(KLINE) and _are_bars(columns[1:5]) and is_moment(columns[0]):
        return KLINE
    moment = next((place for place, texts in enumerate(columns) if texts and is_moment(texts)), None)
    first = next((place for place in range(len(columns) - 3) if _are_bars(columns[place : place + 4])), None)
    if moment is None or first is None or first <= moment:
        return tuple(names)
    names[moment] = "timestamp"
    names[first : first + 4] = ["open", "high", "low", "close"]
    if len(columns) > first + 4:
        names[first + 4] = "volume"
    for place in range(first):
        if place != moment and all(re.search("[A-Za-z]", text) for text in columns[place]):
            names[place] = "symbol"
            break
    return tuple(names)


def _are_bars(columns: Sequence[Sequence[str]]) -> bool:
    """Whether four columns of texts are opens, highs, lows and closes."""
    try:
        rows = [tuple(map(float, row)) for row in zip(*columns, strict=True)]
    except ValueError:
        return False
    is_ordered = all(high >= max(row) and 0 < low <= min(row) for row in rows for _, high, low, _ in [row])
    return bool(rows) and is_ordered and any(high > low for _, high, low, _ in rows)


def timeframe_of(word: str) -> str | None:
    """The timeframe that a word such as `1D`, `60`, `4 hours` or `weekly` stands for; a number alone is minutes."""
    match = TIMEFRAME.fullmatch(word.strip())
    if match is None or not (match[1] or match[2]):
        return None
    # A capital M is a month in every tool that has minutes as well.
    if match[2] == "M":
        return None
    unit = (match[2] or "m")[0].lower().replace("t", "m")
    seconds = int(match[1] or 1) * UNIT_SECONDS[unit]
    return next((name for name, one in TIMEFRAMES.items() if one.seconds == seconds), None)


def direction_of(word: str) -> str | None:
    """The side that a word such as `BUY`, `Strong Sell` or `hold` stands for."""
    return _by_words(word, SIDES)


def core_of(symbol: str) -> str:
    """A symbol without the exchange before it, the currency behind it, and marks: BTC of BINANCE:BTCUSDT.P, 1D."""
    text = symbol.upper().split(",")[0].strip().lstrip("$#")
    text = re.sub(r"^[A-Z0-9_]+:(?=[A-Z0-9]{3,})", "", text) if "/" not in text else text.split(":")[0]
    text = re.sub(r"\.[A-Z]+$|[-_ ]?PERP$", "", text)
    text = re.sub(r"[^A-Z0-9]", "", text)
    text = re.sub(r"(?<=[A-Z0-9]{2})(USDT|USDC|BUSD|FDUSD|USD)$", "", text)
    return SYNONYMS.get(text, text)


def level_of(word: str) -> str | None:
    """`support` or `resistance`, whatever word stands for it."""
    return _by_words(word, LEVELS)


def _by_words(word: str, table: dict[str, tuple[str, ...]]) -> str | None:
    text = re.sub(r"[^a-z]+", " ", word.lower()).strip()
    exact = next((ours for ours, words in table.items() if text in words), None)
    if exact is not None or not text:
        return exact
    # What ends a position is none, whichever it was: "close long".
    order = ("0", "1", "-1") if "0" in table else tuple(table)
    for ours in order:
        if any(len(one) > 2 and text.startswith(one) for one in table[ours]):
            return ours
    return None


def formats_of(values: Sequence[str]) -> list[str]:
    """The forms of `DATES` and `TIMES` in which every value is a moment of a plausible year; the likelier first."""
    texts = [value.strip() for value in values]
    found = [
        date + time
        for date in DATES
        for time in TIMES
        # Without a blank between, the end of a year of four digits would be taken for an hour.
        if not (time.startswith("%") and date != "%Y%m%d")
        and all((moment := _parsed(text, date + time)) and FIRST_YEAR <= moment.year < LAST_YEAR for text in texts)
    ]
    return found if texts else []


def _parsed(text: str, one: str) -> datetime | None:
    try:
        return datetime.strptime(text, one)
    except ValueError:
        return None


def decimal_of(values: Iterable[str]) -> str | None:
    """The decimal mark to declare for numbers that are not read as they are; None where no one mark fits."""
    marks = _marks_of(values)
    return marks[0] if len(marks) == 1 else None


def open_decimal(values: Iterable[str]) -> str | None:
    """A number that is one with either decimal mark, as 1,234 is, where all with a comma are such."""
    texts = list(values)
    return next(text for text in texts if "," in text) if len(_marks_of(texts)) == 2 else None


def _marks_of(values: Iterable[str]) -> list[str]:
    """The decimal marks with which all of some texts are numbers; none where no text has a comma."""
    texts = [value.strip() for value in values]
    with_comma = [text for text in texts if "," in text]
    rest = [text for text in texts if "," not in text]
    is_point = all(re.fullmatch(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?([eE][+-]?\d+)?", text) for text in with_comma)
    is_comma = all(
        re.fullmatch(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d*)?([eE][+-]?\d+)?", text) for text in (*with_comma, *rest)
    )
    if not with_comma:
        return []
    return [*(["."] if is_point else []), *([","] if is_comma else [])]


def words_toml(words: dict[str, str]) -> str:
    """Lines of TOML that give our values of words; a number stays one."""
    return "\n".join(f"{toml_key(theirs)} = {toml_value(ours)}" for theirs, ours in words.items())


def toml_key(key: str) -> str:
    """A key as TOML has it, in quotes where it must be."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml_value(key)


def toml_value(text: str) -> str:
    """A text as TOML has it, or the whole number that it is."""
    if re.fullmatch(r"-?(0|[1-9]\d*)", text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda match: f"\\u{ord(match[0]):04x}", escaped) + '"'
