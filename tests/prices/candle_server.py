"""An exchange on loopback with Binance's public API, for ccxt: its markets and candles."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Rows = list[tuple[int, float, float, float, float, float]]


@dataclass
class CandleServer:
    """`candles` by (market id, timeframe): start in ms, open, high, low, close, volume in the base currency."""

    candles: dict[tuple[str, str], Rows]
    pairs: Mapping[str, tuple[str, str]]
    closed: set[str] = field(default_factory=set)
    fail_next: list[int] = field(default_factory=list)
    calls: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str, params: dict[str, str]) -> tuple[int, Any]:
        """The status and body for a request."""
        self.calls.append({"path": path, **params})
        if self.fail_next:
            return self.fail_next.pop(0), "try again"
        if path.endswith("/exchangeInfo"):
            return 200, {"timezone": "UTC", "symbols": [self._market(name) for name in self.pairs]}
        rows = self.candles.get((params["symbol"], params["interval"]), [])
        since, limit = int(params.get("startTime", 0)), int(params.get("limit", 500))
        return 200, [_as_binance(row) for row in rows if row[0] >= since][:limit]

    def _market(self, name: str) -> dict[str, Any]:
        base, quote = self.pairs[name]
        return {
            "symbol": name, "status": "BREAK" if name in self.closed else "TRADING", "baseAsset": base,
            "baseAssetPrecision": 8, "quoteAsset": quote, "quotePrecision": 8, "quoteAssetPrecision": 8,
            "orderTypes": ["LIMIT"], "isSpotTradingAllowed": True, "isMarginTradingAllowed": False,
            "filters": [], "permissions": ["SPOT"], "permissionSets": [["SPOT"]],
        }  # fmt: skip


def _as_binance(row: tuple[int, float, float, float, float, float]) -> list[Any]:
    start, *numbers = row
    return [start, *map(str, numbers), start + 1, "0", 1, "0", "0", "0"]


@contextmanager
def serving(server: CandleServer) -> Iterator[CandleServer]:
    """Listen on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            split = urlsplit(self.path)
            status, answered = server.answer(split.path, dict(parse_qsl(split.query)))
            body = json.dumps(answered).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.05,))
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
