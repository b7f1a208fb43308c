"""The HTTP client: one pool, one rate limit, one ledger; the key travels in a header and nowhere else."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx
from aiolimiter import AsyncLimiter

from flows.clock import utc_now
from flows.errors import EndpointRefused, KeyRefused, RequestRefused, SourceError
from flows.home.raw_store import FetchedDataset, Response, keep
from flows.sources.tokenmetrics.body import NotAnEnvelope, is_html, message_of, opened
from flows.sources.tokenmetrics.faults import Fault, fault_of
from flows.sources.tokenmetrics.keys import Key, Keys
from flows.sources.tokenmetrics.ledger import Ledger, RequestRecord, answered_at
from flows.sources.tokenmetrics.pages import compressed
from flows.sources.tokenmetrics.retry import RetryBudget, Transient, attempts, retry_after, unasked_wait
from flows.sources.tokenmetrics.settings import TokenMetricsSettings

SOURCE = "tokenmetrics"
REDACTED = b"[key]"
REQUEST_ID_HEADERS = ("x-request-id", "x-amzn-requestid", "cf-ray")


@dataclass(frozen=True)
class Answer:
    """A usable answer, parsed once: status 200, or a 404 for an empty list."""

    status: int
    body: bytes
    rows: list[Any]
    fetched_at: datetime
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """A complete reply to one request; `rows` are None where the body is not the vendor's envelope."""

    response: httpx.Response
    body: bytes
    rows: list[Any] | None


class Client:
    """The vendor's API. Open it with `async with`; `notes` are for the operator."""

    def __init__(
        self,
        settings: TokenMetricsSettings,
        keys: Keys,
        home: Path,
        *,
        run_id: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._home = home
        self._run_id = run_id
        self._ledger = Ledger(home)
        self._key = keys.first
        self._is_next_tried = keys.next is None
        self._budget = RetryBudget(settings.retry_budget)
        self._limiter = _limiter(settings.requests_per_minute)
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._rotation = asyncio.Lock()
        self._not_before = 0.0
        self._accepted: set[str] = set()
        self._refused: set[str] = set()
        self._length_is_more: set[str] = set()
        self.n_calls = 0
        self.n_too_many = 0
        self.notes: list[str] = []
        self._http = httpx.AsyncClient(
            timeout=settings.timeout_seconds,
            limits=httpx.Limits(max_connections=settings.concurrency),
            # A redirect would carry the key to another host; a server on this machine needs no proxy.
            follow_redirects=False,
            trust_env=not settings.is_loopback,
            headers={"accept": "application/json", "user-agent": "trackrecord"},
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()
        self._ledger.close()

    @property
    def has_accepted(self) -> bool:
        """Whether any endpoint has accepted the key in this run."""
        return bool(self._accepted)

    def answered_at(self, endpoint: str) -> str | None:
        """The day on which an endpoint last answered, in this run or an earlier one; None if not of late."""
        return answered_at(self._home, endpoint, utc_now())

    @property
    def key_origin(self) -> str:
        """The variable that the key in use came from."""
        return self._key.origin

    async def get(self, endpoint: str, params: Mapping[str, str]) -> Answer:
        """Ask an endpoint, with retries.

        Raises EndpointRefused where the plan lacks it or it is gone, KeyRefused where nothing accepts the key, and
        SourceError where the server does not answer usefully.
        """
        try:
            async for attempt in attempts(self._settings, self._budget):
                n_attempts = attempt.retry_state.attempt_number
                with attempt:
                    async with self._slots:
                        return await self._once(endpoint, params, n_attempts)
        except Transient as error:
            spent = " The run's retries are spent." if self._budget.left < 0 else ""
            raise SourceError(
                f"{endpoint} did not answer usefully in {n_attempts} attempts: {error} "
                f"(docs/errors.md, {error.fault.value}).{spent} Run again later: what was fetched is kept, "
                "and is not paid for again."
            ) from None
        raise AssertionError("tenacity ends with an answer or an error")

    async def _once(self, endpoint: str, params: Mapping[str, str], attempt: int) -> Answer:
        key = self._key
        reply = await self._send(endpoint, params, attempt, key)
        if reply.response.status_code == 401:
            reply = await self._with_another_key(endpoint, params, attempt, key) or reply
        return self._judge(endpoint, reply)

    async def _with_another_key(
        self, endpoint: str, params: Mapping[str, str], attempt: int, refused: Key
    ) -> Reply | None:
        """The answer to the key in use by now, or to the next one, tried once. None where there is no other."""
        # Requests that were refused side by side wait for the second try of the first of them.
        async with self._rotation:
            if self._key is refused:
                if self._is_next_tried or self._keys.next is None:
                    return None
                self._is_next_tried = True
                reply = await self._send(endpoint, params, attempt, self._keys.next)
                if reply.response.status_code != 401:
                    self._key = self._keys.next
                    self.notes.append(
                        f"The key in {refused.origin} was refused; the one in {self._key.origin} was accepted and is "
                        f"in use. Move it to {self._keys.first.origin}."
                    )
                return reply
        return await self._send(endpoint, params, attempt, self._key)

    async def _send(self, endpoint: str, params: Mapping[str, str], attempt: int, key: Key) -> Reply:
        """Send one request and read its whole body; the ledger records it also where it fails."""
        await self._wait_for_turn()
        self.n_calls += 1
        requested_at, begun = utc_now(), time.perf_counter()
        response, body, rows, fault = None, b"", None, None
        try:
            async with asyncio.timeout(self._settings.call_seconds):
                response = await self._http.get(
                    f"{self._settings.base_url}/{endpoint}",
                    params=dict(params),
                    headers=dict.fromkeys(self._settings.header_names, key.secret.get_secret_value()),
                )
            body = response.content.replace(key.secret.get_secret_value().encode(), REDACTED)
            rows, fault = self._opened(endpoint, response, body)
        except (httpx.TimeoutException, TimeoutError):
            fault = Fault.TIMEOUT
        except httpx.HTTPError:
            fault = Fault.TRANSPORT
        except asyncio.CancelledError:
            fault = Fault.TRANSPORT
            raise
        finally:
            self._ledger.record(
                RequestRecord(
                    run_id=self._run_id,
                    request_id=uuid4().hex,
                    endpoint=endpoint,
                    params=dict(params),
                    status=response.status_code if response is not None else None,
                    fault=fault.value if fault else None,
                    attempt=attempt,
                    n_bytes=len(body),
                    latency_ms=round((time.perf_counter() - begun) * 1000, 3),
                    server_request_id=_request_id(response, key),
                    requested_at=requested_at,
                )
            )
        if fault is not None and body:
            self._keep_failure(endpoint, params, fault, body)
        if fault is not None and fault.is_retried:
            raise self._transient(endpoint, fault, response, body, attempt)
        assert response is not None
        return Reply(response, body, rows)

    def _opened(self, endpoint: str, response: httpx.Response, body: bytes) -> tuple[list[Any] | None, Fault | None]:
        """The rows of a complete answer, and its fault, if any."""
        fault = fault_of(response.status_code)
        if fault not in (None, Fault.NOT_FOUND):
            return None, fault
        try:
            envelope = opened(body)
        except NotAnEnvelope:
            # A path that answered does not vanish within a run: such a 404 is an empty list, cut off.
            return None, fault if fault and endpoint not in self._accepted else Fault.NOT_JSON
        n_rows = len(envelope.rows)
        if fault is Fault.NOT_FOUND:
            # The vendor answers 404 for an empty list; any other 404 is a path that does not exist.
            return (None, fault) if n_rows else ([], None)
        if envelope.is_failure:
            return None, Fault.NOT_JSON
        if envelope.length is None or envelope.length <= n_rows or endpoint in self._length_is_more:
            return envelope.rows, None
        # Asked again once: a page that lost rows is complete then; a vendor that counts all its rows repeats the
        # number.
        self._length_is_more.add(endpoint)
        return None, Fault.LENGTH_DIFFERS

    async def _wait_for_turn(self) -> None:
        """Wait for the rate limit, and for any pause that the server has asked for."""
        while (pause := self._not_before - time.monotonic()) > 0:
            await asyncio.sleep(pause)
        if self._limiter is not None:
            await self._limiter.acquire()

    def _transient(
        self, endpoint: str, fault: Fault, response: httpx.Response | None, body: bytes, attempt: int
    ) -> Exception:
        status = f"status {response.status_code}" if response is not None else "no answer"
        message = f"{status}, {fault.value} {message_of(body)}".strip()
        asked = retry_after(response.headers, utc_now()) if response is not None else None
        if fault is Fault.TOO_MANY_REQUESTS:
            self.n_too_many += 1
            if not asked:
                return Transient(fault, message, wait_at_least=unasked_wait(attempt, self._settings))
        if asked is None or fault not in (Fault.TOO_MANY_REQUESTS, Fault.SERVER_ERROR):
            return Transient(fault, message)
        if asked > self._settings.max_retry_after_seconds:
            return SourceError(
                f"{endpoint}: the server asks to wait {asked:.0f} seconds, more than "
                f"TOKENMETRICS_MAX_RETRY_AFTER_SECONDS (docs/errors.md, {Fault.RETRY_AFTER_TOO_LONG.value}). "
                "Run again then: what was fetched is kept."
            )
        self._not_before = max(self._not_before, time.monotonic() + asked)
        return Transient(fault, message, wait_at_least=asked)

    def _judge(self, endpoint: str, reply: Reply) -> Answer:
        """The answer in a reply; raises the error of one that no further attempt would change."""
        status = reply.response.status_code
        if reply.rows is not None:
            self._accepted.add(endpoint)
            return Answer(status, reply.body, reply.rows, utc_now(), reply.response.headers)
        message = message_of(reply.body)
        quoted = f" It says: {message}" if message else ""
        if status in (401, 403) and is_html(reply.body):
            raise SourceError(
                f"{endpoint} was refused ({status}) with a page of HTML: not by the vendor, it seems, but by what "
                "stands before it, such as a check for bots. Run again later: what was fetched is kept; docs/errors.md."
            )
        if status in (401, 403, 404, 410) and endpoint in self._accepted:
            raise SourceError(
                f"{endpoint} was refused ({status}) after it had answered in the same run.{quoted} "
                "Run again: what was fetched is kept, and is not paid for again."
            )
        if status in (401, 403):
            raise self._refusal(endpoint, status, quoted)
        if status in (404, 410):
            raise EndpointRefused(f"{endpoint} is not there: the server answers {status}.{quoted}", status)
        if status == 402:
            raise SourceError(
                f"{endpoint} wants to be paid (402): the month's credits are spent, or the plan has ended.{quoted} "
                "See your dashboard; docs/errors.md, 402."
            )
        raise RequestRefused(
            f"{endpoint} does not understand the request (status {status}).{quoted} The API may have changed: run "
            "`trackrecord doctor --source tokenmetrics`, and see docs/errors.md. What one call may ask for is a "
            "setting (TOKENMETRICS_PAGE_LIMIT, TOKENMETRICS_DAYS_PER_CALL, TOKENMETRICS_TOKENS_PER_CALL). To go on "
            f"without this endpoint, set TOKENMETRICS_SKIP={endpoint}; what was fetched is kept, and is not paid for "
            "again."
        )

    def _refusal(self, endpoint: str, status: int, quoted: str) -> Exception:
        """The error for a 401 or 403: the key's where nothing has accepted it, else this endpoint's."""
        self._refused.add(endpoint)
        if not self._accepted and len(self._refused) > 1:
            return KeyRefused(
                f"The key in {self.key_origin} is refused ({status}) by {' and '.join(sorted(self._refused))}, and "
                f"nothing has accepted it.{quoted} Check {self.key_origin}, that the key is active, and that "
                f"TOKENMETRICS_HEADER_NAMES ({', '.join(self._settings.header_names)}) is right; docs/keys.md."
            )
        return EndpointRefused(f"{endpoint} is not in your plan: the server answers {status}.{quoted}", status)

    def _keep_failure(self, endpoint: str, params: Mapping[str, str], fault: Fault, body: bytes) -> None:
        """Store a body that cannot be used: it is evidence all the same."""
        response = Response(f"{endpoint}.gz", compressed(body), {"endpoint": endpoint, "fault": fault.value, **params})
        keep(self._home, FetchedDataset("unusable", (response,)), source=SOURCE)


def _limiter(per_minute: int) -> AsyncLimiter | None:
    """A bucket that never lets more than `per_minute` calls through in any sixty seconds, a full bucket included."""
    if not per_minute:
        return None
    burst = max(1, per_minute // 10)
    refill = max(per_minute - burst, 1) / 60
    return AsyncLimiter(burst, burst / refill)


def _request_id(response: httpx.Response | None, key: Key) -> str | None:
    """The server's id of the request; it may be any text, so the key is redacted from it too."""
    headers = response.headers if response is not None else {}
    name = next((name for name in REQUEST_ID_HEADERS if name in headers), None)
    return headers[name].replace(key.secret.get_secret_value(), REDACTED.decode()) if name else None
