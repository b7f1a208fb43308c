"""From a query to an answer: the rows of a page and their JSON. No sockets here."""

from __future__ import annotations

import datetime as dt
import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from zlib import crc32

import numpy as np

from flows.devserver.contract import Dialect, Plan
from flows.devserver.endpoints import ENDPOINTS, Endpoint, Version
from flows.devserver.faults import Fault, in_page, spoil_fields
from flows.devserver.market import Shown, View

Params = Mapping[str, str]
AS_THEY_ARE = {str, int, bool, type(None)}
TOKEN_MINIMA = {"marketcap": "market_cap", "volume": "market_cap", "fdv": "market_cap"}


class Refused(Exception):
    """A refused request: the HTTP status and the message of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class Query:
    """One request: version, endpoint and parameters."""

    version: Version
    endpoint: str
    params: Params

    @property
    def spec(self) -> Endpoint:
        return ENDPOINTS[self.endpoint]

    def get(self, name: str) -> str:
        """A parameter's value, or an empty string: the vendor ignores parameters that the endpoint does not know."""
        known = name in self.spec.accepts(self.version) or name in (*self.spec.equals, *self.spec.minima)
        return self.params.get(name, "") if known or name == self.spec.needs.get(self.version) else ""


def answer(
    view: View, dialect: Dialect, plan: Plan, query: Query, faults: Sequence[Fault] = (), seed: int = 0
) -> bytes:
    """The body of a successful answer.

    Raises Refused with 400 for an invalid request, 404 where no row is found.
    """
    shown = view.shown[query.endpoint]
    page, limit = _paging(dialect, query)
    found = _selected(view, dialect, plan, query, shown)
    if any(fault.kind == "shuffle" for fault in faults):
        found = _shuffled(shown, found, seed)
    start, end = in_page(page * limit, limit, page, faults)
    index = found[start:end]
    if not index.size:
        raise Refused(404, "Data not found")
    rows = shown.rows(index)
    for fault in faults:
        if fault.kind == "restate":
            rows = [_restated(row, view.now, fault.number) for row in rows]
    named = [_on_the_wire(row, dialect, query) for row in rows]
    for fault in faults:
        named = [spoil_fields(row, fault) for row in named]
    return envelope(named)


def envelope(rows: list[dict[str, object]]) -> bytes:
    """A page as v2 and v3 wrap it; `length` is the number of rows in this page."""
    return _json({"success": True, "message": "Data fetched successfully", "length": len(rows), "data": rows})


def refusal(message: str) -> bytes:
    """The body of an answer without data."""
    return _json({"success": False, "message": message, "length": 0, "data": []})


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _paging(dialect: Dialect, query: Query) -> tuple[int, int]:
    """The page, counted from 0, and its length."""
    sizes = ("top_k", "limit") if query.endpoint == "top-market-cap-tokens" else ("limit",)
    limit = _whole(query.params, next((name for name in sizes if name in query.params), "limit"), dialect.default_limit)
    page = _whole(query.params, "page", dialect.first_page) - dialect.first_page
    if limit < 1:
        raise Refused(400, "limit must be at least 1")
    if page < 0:
        raise Refused(400, f"page must be at least {dialect.first_page}")
    if limit > dialect.max_limit:
        if dialect.over_limit == "reject":
            raise Refused(400, f"limit must not be greater than {dialect.max_limit}")
        limit = dialect.max_limit
    return page, limit


def _selected(view: View, dialect: Dialect, plan: Plan, query: Query, shown: Shown) -> np.ndarray:
    """The positions of the rows that a query asks for, in the order they are served."""
    asked = {name: value for name, value in query.params.items() if name not in ("page", "limit", "top_k") and value}
    key = (query.version, query.endpoint, tuple(sorted(asked.items())))
    kept = view.kept_selection(key)
    if kept is None:
        kept = np.flatnonzero(_asked_rows(view, dialect, plan, query, shown))
        view.keep_selection(key, kept)
    return kept


def _asked_rows(view: View, dialect: Dialect, plan: Plan, query: Query, shown: Shown) -> np.ndarray:
    spec = query.spec
    needed = spec.needs.get(query.version)
    if needed and not query.get(needed):
        raise Refused(400, f"{needed} is required")
    wanted = np.ones(shown.table.num_rows, dtype=bool)
    if shown.day is not None:
        since, until = _span(view, dialect, plan, query)
        wanted &= (shown.day >= np.datetime64(since or dt.date.min)) & (
            shown.day <= np.datetime64(until or dt.date.max)
        )
    token_ids = _asked_tokens(view, query)
    if token_ids is not None and shown.token_id is not None:
        wanted &= np.isin(shown.token_id, token_ids)
    for name, column in spec.equals.items():
        if text := query.get(name):
            wanted &= _column(shown, column).astype(str) == text
    for name, column in spec.minima.items():
        if query.get(name):
            with np.errstate(invalid="ignore"):
                wanted &= _column(shown, column).astype(float) >= _number(query, name)
    if query.endpoint == "moonshot-tokens" and not query.get("type"):
        wanted &= _column(shown, "type").astype(str) == "active"
    return wanted


def _column(shown: Shown, name: str) -> np.ndarray:
    values: np.ndarray = shown.table[name].to_numpy(zero_copy_only=False)
    return values


def _span(view: View, dialect: Dialect, plan: Plan, query: Query) -> tuple[dt.date | None, dt.date | None]:
    since, until = _day(query, "startDate"), _day(query, "endDate")
    if since is None and until is None:
        return None, None
    today = view.now.date()
    if since is not None and dialect.span_days is not None:
        days = ((until or today) - since).days
        if days > dialect.span_days:
            raise Refused(400, f"Date range cannot exceed {dialect.span_days} days")
    reach = plan.ohlcv_days if query.spec.is_ohlcv else None
    if reach is not None and since is not None and (today - since).days > reach:
        raise Refused(400, f"Start Date cannot be earlier than the past {reach} days from the current date")
    return since, until


def _day(query: Query, name: str) -> dt.date | None:
    text = query.get(name)
    if not text:
        return None
    try:
        return dt.datetime.fromisoformat(text).date()
    except ValueError:
        raise Refused(400, f"{name} must be a date, YYYY-MM-DD") from None


def _asked_tokens(view: View, query: Query) -> np.ndarray | None:
    """The token ids that pass the filters, None where there is no filter."""
    asked = [name for name in _TOKEN_FILTERS if query.get(name)]
    if not asked:
        return None
    tokens = view.tokens
    if "token_id" in asked:
        # Most requests name their tokens, and looking those up is faster than filtering all.
        asked.remove("token_id")
        tokens = [view.tokens[place] for place in sorted(view.places[one] for one in _ids(query) if one in view.places)]
    left = [token["token_id"] for token in tokens if all(_fits(token, query, name) for name in asked)]
    return np.array(left, dtype=np.int64)


def _ids(query: Query) -> set[int]:
    try:
        return {int(word) for word in _words(query.get("token_id"))}
    except ValueError:
        raise Refused(400, "token_id must be a number") from None


_TOKEN_FILTERS = (
    "token_id", "symbol", "token_name", "slug", "category", "exchange", "blockchain_address", *TOKEN_MINIMA,
)  # fmt: skip


def _fits(token: Mapping[str, object], query: Query, name: str) -> bool:
    given = _words(query.get(name))
    match name:
        case "symbol":
            return str(token["token_symbol"]).lower() in given
        case "token_name":
            return str(token["token_name"]).lower() in given
        case "slug":
            return str(token["slug"]) in given
        case "category":
            return bool(given & set(token["categories"]))  # type: ignore[call-overload]
        case "exchange":
            return bool(given & set(token["exchanges"]))  # type: ignore[call-overload]
        case "blockchain_address":
            return str(token["blockchain_address"]) in given
        case _:
            return float(str(token[TOKEN_MINIMA[name]])) >= _number(query, name)


@lru_cache(maxsize=64)
def _words(text: str) -> frozenset[str]:
    return frozenset(part.strip().lower() for part in text.split(","))


def _whole(params: Params, name: str, default: int) -> int:
    text = params.get(name)
    if not text:
        return default
    try:
        return int(text)
    except ValueError:
        raise Refused(400, f"{name} must be a number") from None


def _number(query: Query, name: str) -> float:
    try:
        return float(query.get(name))
    except ValueError:
        raise Refused(400, f"{name} must be a number") from None


def _shuffled(shown: Shown, index: np.ndarray, seed: int) -> np.ndarray:
    """The same rows, with those of one date in another order on each call."""
    dice = random.Random(seed)
    days = np.zeros(shown.table.num_rows) if shown.day is None else shown.day
    parts = [list(part) for _, part in groupby(index.tolist(), key=lambda place: days[place])]
    return np.array([place for part in parts for place in dice.sample(part, len(part))], dtype=index.dtype)


def _restated(row: dict[str, object], now: dt.datetime, share: float) -> dict[str, object]:
    """A row with its signal turned to the other side, if it is older than two days and in the drawn share."""
    moment = row.get("date") or row.get("timestamp")
    if not isinstance(moment, dt.datetime) or moment > now - dt.timedelta(days=2):
        return row
    if crc32(f"{row.get('token_id')} {moment}".encode()) / 2**32 >= share:
        return row
    if "token_trend" in row:
        side = -int(str(row["token_trend"]))
        return {**row, "token_trend": side, "trading_signal": side}
    if "position" in row:
        text = str(-int(str(row["position"])))
        return {**row, "position": text, "signal": text}
    return row


def _on_the_wire(row: dict[str, object], dialect: Dialect, query: Query) -> dict[str, object]:
    if query.endpoint in ("tokens", "top-market-cap-tokens") and query.version == "v3":
        row = _collapsed(row, query.params.get("expand", ""))
    spec = query.spec
    named: dict[str, object] = {}
    for column, value in row.items():
        name = _wire_name(query.endpoint, query.version, column)
        if name is not None:
            named[name] = value if type(value) in AS_THEY_ARE else _plain(value, dialect, spec)
    return named


@lru_cache(maxsize=4096)
def _wire_name(endpoint: str, version: Version, column: str) -> str | None:
    usual = column.upper() if version == "v2" else column
    return ENDPOINTS[endpoint].names(version).get(column, usual)


def _collapsed(row: dict[str, object], expand: str) -> dict[str, object]:
    """v3 leaves lists out unless `expand` names them."""
    asked = expand.split(",")
    return {name: value for name, value in row.items() if name in asked or not name.endswith("_list")}


def _number_as_written(value: float) -> object:
    if math.isnan(value):
        return None
    return int(value) if value.is_integer() else value


def _plain(value: object, dialect: Dialect, spec: Endpoint) -> object:
    """A value as the vendor writes it: whole numbers without a point, moments in one of two forms."""
    match value:
        case float():
            return _number_as_written(value)
        case dt.datetime():
            is_plain = spec.stamp == "plain" or (dialect.dates == "plain" and spec.moment == "date")
            return f"{value:%Y-%m-%d}" if is_plain else f"{value:%Y-%m-%dT%H:%M:%S}.000Z"
        case Decimal():
            return _plain(float(value), dialect, spec)
        case dict():
            return {name: _plain(inner, dialect, spec) for name, inner in value.items()}
        case list() if value and isinstance(value[0], tuple):  # a map, as Arrow hands it out
            return dict(value)
        case list():
            return [_plain(inner, dialect, spec) for inner in value]
        case _:
            return value
