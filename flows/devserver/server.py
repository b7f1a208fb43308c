"""The test double's HTTP server: on loopback, it serves the vendor's API and can be set to fail."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from flows.devserver.answers import Query, Refused, answer, envelope, refusal
from flows.devserver.contract import TODAY, UNLIMITED, Dialect, Plan
from flows.devserver.endpoints import ENDPOINTS, Version
from flows.devserver.faults import Fault, Schedule, parse_fault
from flows.devserver.market import drawn, small_market
from flows.errors import UsageError
from flows.sources.sample import MarketSpec

KEY = "tm-00000000-0000-4000-8000-000000000000"
"""The key that the double accepts by default. It is invalid everywhere else."""

CONTROL = "/_double"
HTML = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>"
DROPS = 20
VERSIONS: tuple[Version, ...] = ("v2", "v3")


@dataclass(frozen=True)
class Call:
    """One call that was answered. `params` has no key; `status` 0 is a connection closed without an answer."""

    method: str
    path: str
    params: dict[str, str]
    status: int
    at: datetime
    n_bytes: int
    key_header: str | None = None
    faults: tuple[str, ...] = ()

    @property
    def endpoint(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Answer:
    """The answer to send, before faults of the connection are applied."""

    status: int
    body: bytes
    kind: str = "application/json; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


class DevServer:
    """The vendor's API over a simulated market, on a free port of loopback.

    `market`: the market it serves (default: a small one of `n_tokens`, drawn for `now`). `now`: its clock, UTC without
    zone (default: the real time; `server.now = …` sets it). `keys`: the accepted keys; `revoked` maps a key to the
    call (counted from 1) from which on it is refused. `plan`, `dialect` and `faults` set everything else.
    """

    def __init__(
        self,
        *,
        market: MarketSpec | None = None,
        now: datetime | None = None,
        plan: Plan = UNLIMITED,
        dialect: Dialect = TODAY,
        faults: Iterable[Fault] = (),
        n_tokens: int = 12,
        keys: Sequence[str] = (KEY,),
        revoked: dict[str, int] | None = None,
        port: int = 0,
        seed: int = 1,
        partial_today: bool = True,
    ) -> None:
        self._now = now
        self.spec = market or small_market(self.now, n_tokens)
        self.market = drawn(self.spec, partial_today=partial_today)
        self.plan = plan
        self.dialect = dialect
        self.keys = tuple(keys)
        self.calls: list[Call] = []
        self.credits_used = 0
        self._revoked = dict(revoked or {})
        self._port = port
        self._seed = seed
        self._faults: tuple[Fault, ...] = ()
        self._schedule = Schedule((), seed)
        self.faults = tuple(faults)
        self._recent: deque[float] = deque()
        self._n_calls = 0
        self._lock = threading.Lock()
        self.stopping = threading.Event()
        self._http: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def now(self) -> datetime:
        """The server's current moment, UTC, no zone."""
        return self._now or datetime.now(UTC).replace(tzinfo=None)

    @now.setter
    def now(self, moment: datetime | None) -> None:
        self._now = moment

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults of the server. Setting them restarts the count of calls."""
        return self._faults

    @faults.setter
    def faults(self, faults: Iterable[Fault]) -> None:
        self._faults = tuple(faults)
        self._schedule = Schedule(self._faults, self._seed)

    @property
    def base_url(self) -> str:
        """The address, `http://127.0.0.1:PORT`; the versions are `/v2` and `/v3` under it."""
        assert self._http is not None, "start the server first"
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def revoke(self, key: str) -> None:
        """From the next call on, this key is not accepted."""
        self._revoked[key] = 0

    def start(self) -> DevServer:
        """Start listening, after making the market's first view."""
        self.market.at(self.now)
        try:
            self._http = _Server(self, self._port)
        except OSError as error:
            raise UsageError(
                f"Port {self._port} cannot be used: {error.strerror}. Choose another with --port."
            ) from error
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="dev-server")
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening, abort answers being sent, and wait for the threads."""
        self.stopping.set()
        if self._http is not None and self._thread is not None:
            self._http.shutdown()
            self._http.close_connections()
            self._thread.join()
            self._http.server_close()

    def __enter__(self) -> DevServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def respond(self, path: str, params: dict[str, str], key: tuple[str, str] | None) -> tuple[Answer, list[Fault]]:
        """The answer to a GET, and the faults to apply to it."""
        version, endpoint = _parts(path)
        with self._lock:
            self._n_calls += 1
            number = self._n_calls
            faults = self._schedule.next(endpoint or path)
            due = next((fault for fault in faults if fault.kind == "status"), None)
            try:
                if due is not None:
                    raise Refused(int(due.number), _phrase(int(due.number)))
                self._admit(endpoint, key, number)
                view = self.market.at(self.now)
            except Refused as refused:
                return self._refuse(refused, due), faults
        spec = ENDPOINTS.get(endpoint or "")
        if version is None or endpoint is None or spec is None or version not in spec.versions:
            return Answer(404, f"<pre>Cannot GET {urlsplit(path).path}</pre>".encode(), "text/html"), faults
        if endpoint in self.dialect.removed:
            return Answer(404, f"<pre>Cannot GET {urlsplit(path).path}</pre>".encode(), "text/html"), faults
        try:
            query = Query(version, endpoint, params)
            return Answer(200, answer(view, self.dialect, self.plan, query, faults, self._seed + number)), faults
        except Refused as refused:
            return self._refuse(refused, None), faults

    def control(self, method: str, path: str, body: bytes) -> Answer:
        """The double's own endpoints: read and set faults and clock, and list the calls."""
        what = path.removeprefix(CONTROL).strip("/")
        try:
            if what == "faults" and method in ("PUT", "POST", "DELETE"):
                given = [parse_fault(text) for text in json.loads(body or b"[]")] if method != "DELETE" else []
                self.faults = (*self.faults, *given) if method == "POST" else tuple(given)
            elif what == "now" and method == "PUT":
                moment = json.loads(body)
                self.now = datetime.fromisoformat(moment) if moment else None
            elif method != "GET" or what not in ("faults", "now", "calls"):
                return Answer(404, _as_json({"message": f"There are {CONTROL}/faults, /now and /calls."}))
        except (ValueError, TypeError, UsageError) as error:
            return Answer(400, _as_json({"message": str(error)}))
        match what:
            case "calls":
                return Answer(200, _as_json([_call_fields(call) for call in list(self.calls)]))
            case "now":
                return Answer(200, _as_json(f"{self.now:%Y-%m-%dT%H:%M:%S}"))
            case _:
                return Answer(200, _as_json([str(fault) for fault in self.faults]))

    def without_keys(self, text: str) -> str:
        """The text with every key that this server knows replaced by stars."""
        for key in (*self.keys, *self._revoked):
            text = text.replace(key, "***")
        return text

    def _admit(self, endpoint: str | None, key: tuple[str, str] | None, number: int) -> None:
        """Count a call against the key's limits. Raises Refused with the limit that it exceeds."""
        given = key[1] if key else ""
        if given not in self.keys or number >= self._revoked.get(given, 1 << 60):
            raise Refused(401, "Invalid or missing API key" if key else "API key is required")
        if endpoint in self.plan.lacks:
            raise Refused(self.plan.denied_status, "Not authorized with your current plan")
        moment = time.monotonic()
        while self._recent and self._recent[0] <= moment - 60:
            self._recent.popleft()
        if self.plan.per_minute is not None and len(self._recent) >= self.plan.per_minute:
            raise Refused(429, "Too Many Requests")
        if self.plan.per_month is not None and self.credits_used >= self.plan.per_month:
            raise Refused(429, "Monthly API call limit reached")
        self._recent.append(moment)
        self.credits_used += 1

    def _refuse(self, refused: Refused, fault: Fault | None) -> Answer:
        headers: tuple[tuple[str, str], ...] = ()
        retry_after = fault.retry_after if fault else (self.plan.retry_after or "") if refused.status == 429 else ""
        if retry_after:
            waits = self._seconds_until_free() if retry_after in ("seconds", "date") else float(retry_after)
            moment = datetime.now(UTC) + timedelta(seconds=waits)
            value = format_datetime(moment, usegmt=True) if retry_after == "date" else f"{waits:.0f}"
            headers = (("Retry-After", value),)
        return Answer(refused.status, refusal(refused.message), headers=headers)

    def _seconds_until_free(self) -> float:
        if not self._recent or self.plan.per_minute is None:
            return 1.0
        return max(1.0, self._recent[0] + 61 - time.monotonic())


def _parts(path: str) -> tuple[Version | None, str | None]:
    version, _, endpoint = path.strip("/").partition("/")
    return next((known for known in VERSIONS if known == version), None), endpoint or None


def _call_fields(call: Call) -> dict[str, object]:
    request = {"method": call.method, "path": call.path, "params": call.params}
    return {**request, "status": call.status, "at": call.at.isoformat(), "n_bytes": call.n_bytes}


def _as_json(value: object) -> bytes:
    return json.dumps(value, indent=1).encode() + b"\n"


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, double: DevServer, port: int) -> None:
        self.double = double
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def keep(self, connection: socket.socket, *, is_open: bool) -> None:
        """Remember a connection while it is open."""
        with self._guard:
            (self._open.add if is_open else self._open.discard)(connection)

    def close_connections(self) -> None:
        """Shut down open connections, to end the threads that wait for another request on them."""
        with self._guard:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that closes its connection early."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server
    server_version = "trackrecord-dev-server"
    sys_version = ""

    def setup(self) -> None:
        super().setup()
        self.server.keep(self.connection, is_open=True)

    def finish(self) -> None:
        self.server.keep(self.connection, is_open=False)
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Calls are kept as values, not printed."""

    def do_GET(self) -> None:
        """Answer a call."""
        double = self.server.double
        split = urlsplit(self.path)
        if split.path.startswith(CONTROL):
            self._send(double.control("GET", split.path, b""), [])
            return
        at = datetime.now(UTC).replace(tzinfo=None)
        params = dict(parse_qsl(split.query))
        key = next(((name, self.headers[name]) for name in double.dialect.headers if name in self.headers), None)
        answered, faults = double.respond(split.path, params, key)
        status = 0 if any(fault.kind == "reset" for fault in faults) else answered.status
        for kind, body in (("html", HTML), ("blank", b""), ("empty", envelope([]))):
            if any(fault.kind == kind for fault in faults):
                form = Answer.kind if kind == "empty" else "text/html; charset=utf-8"
                status, answered = 200, Answer(200, body, form)
        # The call is recorded before it is answered, so that a test that has the answer finds the call.
        double.calls.append(
            Call(
                "GET",
                split.path,
                {double.without_keys(name): double.without_keys(value) for name, value in params.items()},
                status,
                at,
                len(answered.body),
                key[0] if key else None,
                tuple(str(fault) for fault in faults),
            )
        )
        self._send(answered, faults)

    def do_PUT(self) -> None:
        """Handle a PUT to the double's own endpoints."""
        self._control("PUT")

    def do_POST(self) -> None:
        """Handle a POST to the double's own endpoints."""
        self._control("POST")

    def do_DELETE(self) -> None:
        """Handle a DELETE to the double's own endpoints."""
        self._control("DELETE")

    def _control(self, method: Literal["PUT", "POST", "DELETE"]) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        if path.startswith(CONTROL):
            self._send(self.server.double.control(method, path, body), [])
        else:
            self._send(Answer(405, refusal("Method not allowed")), [])

    def _send(self, answered: Answer, faults: Sequence[Fault]) -> None:
        by_kind = {fault.kind: fault for fault in faults}
        stopping = self.server.double.stopping
        if "stall" in by_kind:
            stopping.wait(by_kind["stall"].number)
        if "reset" in by_kind:
            self._reset()
            return
        length = len(answered.body) + (int(by_kind["length"].number) if "length" in by_kind else 0)
        head = self._head(answered, max(0, length), by_kind.get("skew"))
        body = answered.body[: len(answered.body) // 2] if "cut" in by_kind else answered.body
        self.close_connection = self.close_connection or "cut" in by_kind or "length" in by_kind
        try:
            if "slow" not in by_kind:
                # One write, because a body sent after the head would wait for the head's acknowledgement.
                self.wfile.write(head + body)
                return
            self.wfile.write(head)
            step = max(1, len(body) // DROPS)
            for start in range(0, len(body), step):
                if stopping.wait(by_kind["slow"].number / DROPS):
                    return
                self.wfile.write(body[start : start + step])
        except OSError:
            self.close_connection = True

    def _head(self, answered: Answer, length: int, skew: Fault | None) -> bytes:
        date = datetime.now(UTC) + timedelta(seconds=skew.number if skew else 0)
        lines = [
            f"HTTP/1.1 {answered.status} {_phrase(answered.status)}",
            f"Date: {format_datetime(date, usegmt=True)}",
            f"Content-Type: {answered.kind}",
            f"Content-Length: {length}",
            *(f"{name}: {value}" for name, value in answered.headers),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")

    def _reset(self) -> None:
        """Close the connection so that the client gets a TCP reset, not an orderly end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
