"""Real servers on this machine that accept, refuse or break off, as a test sets them."""

import asyncio
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class MailServer:
    """A mail server. `at_rcpt` and `at_dot` are its answers in turn; the last is repeated.

    `take` keeps the mail; `take and break`, `lose and break` end the connection in place of an answer; anything else is
    sent as the answer, and the mail is not kept.
    """

    at_rcpt: list[str] = field(default_factory=lambda: ["take"])
    at_dot: list[str] = field(default_factory=lambda: ["take"])
    slowness: float = 0
    silence: float = 0
    mails: list[EmailMessage] = field(default_factory=list)
    port: int = 0

    @property
    def arrived(self) -> list[Any]:
        return self.mails

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        await asyncio.sleep(random.random() * self.slowness)
        answer = _next(self.at_rcpt)
        if answer != "take":
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(random.random() * self.slowness)
        answer = _next(self.at_dot)
        if answer.startswith("take"):
            assert isinstance(envelope.content, bytes)
            mail = BytesParser(policy=default).parsebytes(envelope.content)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        if answer.endswith("break"):
            assert server.transport is not None
            server.transport.abort()
        await asyncio.sleep(random.random() * self.slowness + self.silence)
        return "250 2.0.0 OK queued as 4711" if answer == "take" else answer


@contextmanager
def mail_server(smtp: dict[str, Any] | None = None, **behaviour: Any) -> Iterator[MailServer]:
    """A mail server while the block runs; `smtp` holds options of its protocol, such as a certificate."""
    server = MailServer(port=free_port(), **behaviour)
    controller = Controller(server, hostname="127.0.0.1", port=server.port, **(smtp or {}))
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


@dataclass(frozen=True)
class Request:
    """A request that an endpoint received."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Endpoint:
    """An HTTP endpoint. `answers` are statuses in turn, the last repeated; `break` ends the connection instead."""

    answers: list[int | str] = field(default_factory=lambda: [200])
    slowness: float = 0
    silence: float = 0
    requests: list[Request] = field(default_factory=list)
    port: int = 0

    @property
    def arrived(self) -> list[Any]:
        return self.requests

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def endpoint(**behaviour: Any) -> Iterator[Endpoint]:
    """An HTTP endpoint while the block runs."""
    state = Endpoint(**behaviour)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            self.close_connection = True
            if len(body) < length:
                return  # The sender died; half a body is ignored.
            time.sleep(random.random() * state.slowness)
            state.requests.append(Request(self.path, dict(self.headers.items()), body))
            answer = _next(state.answers)
            if answer == "break":
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            time.sleep(random.random() * state.slowness + state.silence)
            self.send_response(int(answer))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def handle(self) -> None:
            with suppress(ConnectionError, ValueError):  # The sender died.
                super().handle()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


def _next(answers: list[Any]) -> Any:
    return answers.pop(0) if len(answers) > 1 else answers[0]
