"""From an endpoint's rows to rows of the contract's datasets: pure functions, one a dataset, for v2 and v3 alike.

A value that cannot be parsed is passed on as it came, because the gate, not the parser, decides what is bad. A row
whose signal, grade or prices are null is left out; a row that lacks the field is not.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from math import isfinite, isnan
from typing import Any

from flows.clock import as_utc
from flows.sources.tokenmetrics.aliases import folded
from flows.sources.tokenmetrics.endpoints import Endpoint

Row = dict[str, Any]

PRICE_SOURCE = "tokenmetrics"

# Words that a server may use in place of 1, 0 and -1.
SIDES = {
    **dict.fromkeys(("long", "buy", "bullish", "bull", "up", "strong buy"), 1),
    **dict.fromkeys(("neutral", "hold", "none", "flat", "sideways", "exit", "cash"), 0),
    **dict.fromkeys(("short", "sell", "bearish", "bear", "down", "strong sell"), -1),
}
NAMED_LEVELS = tuple((f"{side}_{number}", side) for side in ("resistance", "support") for number in range(1, 4))
# The field of the grade and of its label, in the rows of each kind.
GRADE_FIELDS = {
    "tm": ("tm_grade", "tm_grade_signal"),
    "fundamental": ("fundamental_grade", "fundamental_grade_class"),
    "technology": ("technology_grade", None),
    "trader": ("tm_trader_grade", None),
    "investor": ("tm_investor_grade", None),
}


def number(value: Any) -> Any:
    """An int, float or numeric text as a float; null, empty text and NaN as None; anything else as it came."""
    if value is None or isinstance(value, bool):
        return value
    if not isinstance(value, int | float | str):
        return json.dumps(value)
    if isinstance(value, str) and not value.strip():
        return None
    try:
        parsed = float(value)
    except ValueError:
        return value
    except OverflowError:
        return str(value)
    if isnan(parsed):
        return None
    return parsed if isfinite(parsed) else str(value)


def identifier(value: Any) -> Any:
    """A token id as an int, whether it came as 3306, "3306" or 3306.0; anything else as it came."""
    if type(value) is int:
        return value
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)  # Not by way of a float, which has no room for a long one.
    parsed = number(value)
    return int(parsed) if isinstance(parsed, float) and parsed.is_integer() else parsed


def side(value: Any) -> Any:
    """1, 0 or -1 from a number, its text or a word; anything else as it came."""
    parsed = number(value)
    return SIDES.get(parsed.strip().lower(), parsed) if isinstance(parsed, str) else parsed


def moment(value: Any) -> Any:
    """A moment in UTC from `2025-05-26`, `2025-05-26T00:00:00.000Z` or `2023-11-08 10:00:00.000`; else as it came."""
    return _moment_in(value) if isinstance(value, str) else value


@lru_cache(maxsize=4096)
def _moment_in(text: str) -> datetime | str | None:
    """The moment in a text; cached, because a page repeats few of them many times."""
    try:
        return as_utc(datetime.fromisoformat(text.strip()))
    except (ValueError, OverflowError):
        return text.strip() or None


def parse_rows(endpoint: Endpoint, rows: list[Any], fetched_at: datetime) -> list[Row]:
    """The dataset rows of one body's rows. `fetched_at` dates what the vendor does not: the newest of its kind."""
    parser = PARSERS.get(endpoint.dataset or "")
    if parser is None:
        return []
    parsed: list[Row] = []
    for row in rows:
        if isinstance(row, Mapping):
            parsed.extend(parser(endpoint, folded(row, endpoint.name), fetched_at))
    return parsed


def is_empty(row: Mapping[str, Any], *names: str) -> bool:
    """Whether these fields are all there and all null, or NaN."""
    return all(name in row and number(row[name]) is None for name in names)


def _token(endpoint: Endpoint, row: Row, fetched_at: datetime) -> list[Row]:
    return [
        {
            "token_id": identifier(row.get("token_id")),
            "symbol": row.get("token_symbol"),
            "name": row.get("token_name"),
            "categories": category_names(row.get("category_list")),
        }
    ]


def category_names(value: Any) -> list[str] | None:
    """Names of the categories, whether they came as objects, as bare names, or not at all."""
    if not isinstance(value, list):
        return None
    names = [one.get("category_name") if isinstance(one, Mapping) else one for one in value]
    return [str(name) for name in names if name]


def category_slugs(value: Any) -> list[str]:
    """Slugs of the categories, where they came as objects."""
    categories = value if isinstance(value, list) else []
    return [str(one["category_slug"]) for one in categories if isinstance(one, Mapping) and one.get("category_slug")]


def _hour(at: Any, endpoint: Endpoint) -> Any:
    """The hour of an hourly bar: the vendor's own example dates such bars at minutes within them."""
    is_inside = endpoint.timeframe == "1h" and isinstance(at, datetime)
    return at.replace(minute=0, second=0, microsecond=0) if is_inside else at


def _price(endpoint: Endpoint, row: Row, fetched_at: datetime) -> list[Row]:
    if is_empty(row, "open", "high", "low", "close"):
        return []
    return [
        {
            "token_id": identifier(row.get("token_id")),
            "timeframe": endpoint.timeframe,
            "bar_start": _hour(moment(row.get(endpoint.moment or "")), endpoint),
            **{name: number(row.get(name)) for name in ("open", "high", "low", "close")},
            "volume_usd": number(row.get("volume")),
            "price_source": PRICE_SOURCE,
        }
    ]


def _signal(endpoint: Endpoint, row: Row, fetched_at: datetime) -> list[Row]:
    event, state = ("signal", "position") if endpoint.timeframe == "1h" else ("trading_signal", "token_trend")
    # A null event beside a state is not expected: it is passed on for the gate to see.
    if is_empty(row, event) and number(row.get(state)) is None:
        return []
    return [
        {
            "token_id": identifier(row.get("token_id")),
            "timeframe": endpoint.timeframe,
            "signal_at": moment(row.get(endpoint.moment or "")),
            "direction": side(row.get(event)),
            "trend": side(row.get(state)),
            "score": None,
        }
    ]


def _levels(endpoint: Endpoint, row: Row, fetched_at: datetime) -> list[Row]:
    """Each price once, lowest first: v3 names the side of some, v2 of none."""
    found: dict[Any, Row] = {}
    for name, named_side in NAMED_LEVELS:
        if row.get(name) is not None:
            found.setdefault(number(row[name]), {"side": named_side, "formed_at": None})
    for level in listed(row.get("historical_resistance_support_levels")):
        is_object = isinstance(level, Mapping)
        price = number(level.get("level", level.get("price")) if is_object else level)
        formed_at = moment(level.get("date")) if is_object else None
        level_row = found.setdefault(price, {"side": None, "formed_at": formed_at})
        # A price that formed twice became a level the first time.
        level_row["formed_at"] = min(
            (at for at in (level_row["formed_at"], formed_at) if at is not None), key=str, default=None
        )
    about = {
        "token_id": identifier(row.get("token_id")),
        "timeframe": row.get("timeframe") or endpoint.timeframe,
        "level_at": moment(row.get("date")),
        "strength": None,
    }
    return [{**about, "price": price, **rest} for price, rest in sorted(found.items(), key=_by_price)]


def listed(value: Any) -> list[Any]:
    """A list, also where it came as JSON text; null and empty text as no element, any other value as one."""
    if isinstance(value, str):
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def _by_price(item: tuple[Any, Row]) -> tuple[bool, float, str]:
    price = item[0]
    return (True, price, "") if isinstance(price, float) else (False, 0.0, str(price))


def _grade(endpoint: Endpoint, row: Row, fetched_at: datetime) -> list[Row]:
    grade, label = GRADE_FIELDS[endpoint.kind or ""]
    if is_empty(row, grade):
        return []
    about = {*("token_id", "token_name", "token_symbol", "date", "timestamp", "tm_link", "tm_slug"), grade, label}
    components = {
        name: value
        for name in row
        if name not in about and isinstance(value := number(row[name]), float) and not isinstance(row[name], bool)
    }
    return [
        {
            "token_id": identifier(row.get("token_id")),
            "kind": endpoint.kind,
            "graded_at": moment(row.get("date")) if row.get("date") is not None else _day(fetched_at),
            "grade": number(row.get(grade)),
            "label": row.get(label) if label else None,
            "components": json.dumps(components, sort_keys=True) if components else None,
        }
    ]


def _quantmetric(endpoint: Endpoint, row: Row, fetched_at: datetime) -> list[Row]:
    figures = ("sharpe", "sortino", "volatility", "max_drawdown", "cagr")
    if is_empty(row, *figures):
        return []
    return [
        {
            "token_id": identifier(row.get("token_id")),
            "measured_at": moment(row.get("date")) if row.get("date") is not None else _day(fetched_at),
            "lookback": None,
            **{name: number(row.get(name)) for name in figures},
        }
    ]


def _day(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


PARSERS: dict[str, Callable[[Endpoint, Row, datetime], list[Row]]] = {
    "tokens": _token,
    "prices": _price,
    "signals": _signal,
    "levels": _levels,
    "grades": _grade,
    "quantmetrics": _quantmetric,
}
