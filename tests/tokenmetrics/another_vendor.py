"""A second test double of the vendor, independent of the dev server: another interpretation of the same documents.

Five tokens, nine days, ten hours; the fields of `Manner` are the ways in which such servers differ.
"""

import gzip
import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

NOW = datetime(2026, 11, 22, 7, 30)
TOKENS = {3375: ("Bitcoin", "BTC"), 3306: ("Ethereum", "eth"), 3988: ("Solana", "SOL"), 20613: ("Wrapped", "SOL")}
TOKENS |= {number: (f"Token {number}", f"T{number}") for number in range(45_000, 45_008)}
N_DAYS, N_HOURS = 9, 10


@dataclass(frozen=True)
class Manner:
    """The server's behaviour. `nothing` is its answer without rows, `beyond` its answer after the last page."""

    version: str = "v2"
    first_page: int = 1
    is_zero_one: bool = False  # page 0 means page 1
    max_rows: int = 100
    nothing: tuple[int, Any] = (404, {"success": False, "message": "Data not found", "length": 0, "data": []})
    beyond: str = "nothing"
    is_ascending: bool = False
    is_text: bool = False
    is_zipped: bool = False
    is_closing: bool = False
    is_end_excluded: bool = False
    per_window: int | None = None
    window_seconds: float = 0.5
    retry_after: str = ""  # "", "seconds" or "date"
    gives_total: bool = False
    failing_200: int = 0  # so many answers have status 200 and `success: false`
    gone: Any = "<pre>Cannot GET</pre>"


@dataclass
class Vendor:
    """The server's behaviour and the requests it received."""

    manner: Manner
    url: str = ""
    calls: list[tuple[str, dict[str, str], int]] = field(default_factory=list)
    recent: deque[float] = field(default_factory=deque)
    lock: threading.Lock = field(default_factory=threading.Lock)
    n_failed: int = 0


@contextmanager
def serving(manner: Manner) -> Iterator[Vendor]:
    """The vendor, listening on a free port of loopback."""
    vendor = Vendor(manner)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            """Print nothing; requests are recorded."""

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            params = dict(parse_qsl(parts.query))
            with vendor.lock:
                status, answered, headers = answer(
                    vendor, parts.path.rpartition("/")[2], params, self.headers["x-api-key"]
                )
                vendor.calls.append((parts.path.rpartition("/")[2], params, status))
            body = answered.encode() if isinstance(answered, str) else json.dumps(answered).encode()
            if manner.is_zipped:
                body, headers = gzip.compress(body), {**headers, "Content-Encoding": "gzip"}
            if manner.is_closing:
                headers |= {"Connection": "close"}
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        vendor.url = f"http://127.0.0.1:{server.server_address[1]}/{manner.version}"
        try:
            yield vendor
        finally:
            server.shutdown()
            thread.join()


def answer(vendor: Vendor, endpoint: str, params: dict[str, str], key: str | None) -> tuple[int, Any, dict[str, str]]:
    """Status, body and headers."""
    manner = vendor.manner
    if not key:
        return 401, {"message": "no key"}, {}
    if manner.per_window is not None:
        now = time.monotonic()
        while vendor.recent and vendor.recent[0] < now - manner.window_seconds:
            vendor.recent.popleft()
        if len(vendor.recent) >= manner.per_window:
            after = {"seconds": "1", "date": formatdate(time.time() + 1, usegmt=True)}.get(manner.retry_after)
            return 429, {"message": "slow down"}, {"Retry-After": after} if after else {}
        vendor.recent.append(now)
    if vendor.n_failed < manner.failing_200:
        vendor.n_failed += 1
        return 200, {"success": False, "message": "Some thing wrong", "length": 0, "data": []}, {}
    rows = rows_of(endpoint)
    if rows is None:
        return 404, manner.gone, {}
    rows = selected(rows, params, manner)
    page = int(params.get("page", manner.first_page)) - manner.first_page
    if manner.is_zero_one:
        page = max(0, int(params["page"]) - 1)
    limit = min(int(params.get("limit", 50)), manner.max_rows)
    if manner.beyond == "first again":
        page = 0
    if page * limit >= len(rows) and rows and manner.beyond == "last again":
        page = (len(rows) - 1) // limit
    if page * limit >= len(rows) and rows and manner.beyond == "refused":
        return 400, {"success": False, "message": "page is out of range"}, {}
    here = rows[page * limit : (page + 1) * limit] if page >= 0 else []
    if not here:
        status, payload = manner.nothing
        return status, payload, {}
    payload = {"success": True, "message": "ok", "length": len(rows) if manner.gives_total else len(here)}
    payload |= {"data": [named(row, manner) for row in here]}
    if manner.version == "v3":
        payload = {"data": payload["data"], "meta": {"total": len(rows), "page": page + 1, "limit": limit}}
    return 200, payload, {}


def selected(rows: list[dict[str, Any]], params: dict[str, str], manner: Manner) -> list[dict[str, Any]]:
    """The rows that pass the filters, newest first."""
    if "token_id" in params:
        ids = {int(word) for word in params["token_id"].split(",")}
        rows = [row for row in rows if row["TOKEN_ID"] in ids]
    if "startDate" in params and rows and "at" in rows[0]:
        since, until = (datetime.fromisoformat(params[name]) for name in ("startDate", "endDate"))
        until += timedelta(days=0 if manner.is_end_excluded else 1)
        rows = [row for row in rows if since <= row["at"] < until]
    if rows and "at" in rows[0]:
        rows = sorted(rows, key=lambda row: row["at"], reverse=not manner.is_ascending)
    return rows


def named(row: dict[str, Any], manner: Manner) -> dict[str, Any]:
    """A row with the names and types of its JSON."""
    renamed = {}
    for name, value in row.items():
        if name == "at":
            continue
        is_text = manner.is_text and isinstance(value, int | float)
        renamed[name if manner.version == "v2" else name.lower()] = str(value) if is_text else value
    return renamed


def rows_of(endpoint: str) -> list[dict[str, Any]] | None:
    """All rows of an endpoint, ids descending; None where there is no such path."""
    ids = [
        {"TOKEN_ID": token_id, "TOKEN_NAME": name, "TOKEN_SYMBOL": symbol, "NEWS": 1}
        for token_id, (name, symbol) in sorted(TOKENS.items(), reverse=True)
    ]
    days = [datetime(2026, 11, 22) - timedelta(days=number) for number in range(N_DAYS)]
    hours = [datetime(2026, 11, 22, 7) - timedelta(hours=number) for number in range(N_HOURS)]
    match endpoint:
        case "tokens" | "top-market-cap-tokens":
            return [one | {"CATEGORY_LIST": [{"category_name": "Layer 1", "category_slug": "layer-1"}]} for one in ids]
        case "daily-ohlcv":
            return [one | {"DATE": f"{at:%Y-%m-%d}", "at": at} | bar(one, at) for one in ids for at in days]
        case "hourly-ohlcv":
            return [
                one | {"TIMESTAMP": f"{at:%Y-%m-%dT%H}:00:00.000Z", "at": at} | bar(one, at)
                for one in ids
                for at in hours
            ]
        case "trading-signals":
            side = {"TRADING_SIGNAL": 0, "TOKEN_TREND": -1}
            return [one | {"DATE": f"{at:%Y-%m-%dT00:00:00.000Z}", "at": at} | side for one in ids for at in days]
        case "hourly-trading-signals":
            side = {"SIGNAL": "0", "POSITION": "1", "CLOSE": 5}
            return [one | {"TIMESTAMP": f"{at:%Y-%m-%dT%H:%M:%SZ}", "at": at} | side for one in ids for at in hours]
        case "resistance-support":
            levels = {"HISTORICAL_RESISTANCE_SUPPORT_LEVELS": [9.5, 3]}
            return [one | {"DATE": "2026-11-22T00:00:00.000Z"} | levels for one in ids]
        case "tm-grade":
            return [one | {"TM_GRADE": "71.42", "TM_GRADE_SIGNAL": None} for one in ids]
        case _:
            return None


def bar(token: dict[str, Any], at: datetime) -> dict[str, Any]:
    """A bar whose values are unique to its token and moment."""
    low = token["TOKEN_ID"] + at.timestamp() / 1e6
    return {"OPEN": low + 1, "HIGH": low + 3, "LOW": low, "CLOSE": low + 2, "VOLUME": None}
