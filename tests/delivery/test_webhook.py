"""A receiver that follows docs/webhook.md accepts a genuine request once and refuses everything else."""

import json
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.config import ROOT
from flows.delivery.deliver import deliver
from flows.delivery.signing import NONCE, SIGNATURE, TIMESTAMP, Refused, sign, verify

from .editions import NOW, edition, settings
from .servers import Request, endpoint

SECRET = "a secret of enough letters"


@dataclass
class Receiver:
    """The receiver of docs/webhook.md, running."""

    url: str
    database: Path
    acted: list[Any]

    def post(self, request: Request, **changes: str) -> httpx.Response:
        headers = {**request.headers, **changes}
        return httpx.post(self.url, content=request.body, headers=headers)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "webhook.md").read_text(encoding="utf-8"), re.DOTALL)
    page: dict[str, Any] = {}
    exec(compile(code, "docs/webhook.md", "exec"), page)
    acted: list[Any] = []
    kind = page["Receiver"]
    kind.secret, kind.database = SECRET, str(tmp_path / "receiver.sqlite")
    kind.act = lambda _, digest: acted.append(digest)
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield Receiver(f"http://127.0.0.1:{server.server_port}/in", tmp_path / "receiver.sqlite", acted)
        server.shutdown()
        thread.join()


@pytest.fixture
def request_of_ours(tmp_path: Path) -> Request:
    """A genuine signed request."""
    with endpoint() as wire:
        where = settings(webhooks={"desk": {"url": f"{wire.url}/in", "secret": SECRET}})
        deliver(edition(), where, tmp_path / "home", NOW)
    (request,) = wire.requests
    return request


def test_the_receiver_of_the_page_takes_a_delivery(receiver: Receiver, tmp_path: Path) -> None:
    where = settings(webhooks={"desk": {"url": receiver.url, "secret": SECRET}})
    (receipt,) = deliver(edition(), where, tmp_path, NOW)

    assert (receipt.state, receipt.note) == ("delivered", "HTTP 200")
    assert receiver.acted == [json.loads(edition().json)]


def test_it_refuses_a_replay(receiver: Receiver, request_of_ours: Request) -> None:
    first, replay = receiver.post(request_of_ours), receiver.post(request_of_ours)

    assert (first.status_code, replay.status_code, replay.text) == (200, 401, "the request was seen before")
    assert len(receiver.acted) == 1


def test_it_refuses_one_of_many_copies_that_come_at_once(receiver: Receiver, request_of_ours: Request) -> None:
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(receiver.post(request_of_ours).status_code)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [401] * 7


@pytest.mark.parametrize(
    ("tamper", "why"),
    [
        (lambda it: {NONCE: "another"}, "the signature does not fit the body"),
        (lambda it: {TIMESTAMP: str(int(it.headers[TIMESTAMP]) + 1)}, "the signature does not fit the body"),
        (lambda it: {SIGNATURE: "sha256=" + "0" * 64}, "the signature does not fit the body"),
        (lambda it: {SIGNATURE: it.headers[SIGNATURE].removeprefix("sha256=")}, "the signature does not fit the body"),
        (lambda it: {SIGNATURE: ""}, "the signature does not fit the body"),
        (lambda it: {NONCE: ""}, "the timestamp or the nonce is missing or malformed"),
        (lambda it: {NONCE: f"{it.headers[NONCE]}.{{"}, "the timestamp or the nonce is missing or malformed"),
        (lambda it: {TIMESTAMP: "soon"}, "the timestamp or the nonce is missing or malformed"),
    ],
)
def test_it_refuses_what_was_tampered_with_and_keeps_no_nonce_of_it(
    receiver: Receiver, request_of_ours: Request, tamper: Callable[[Request], dict[str, str]], why: str
) -> None:
    answer = receiver.post(request_of_ours, **tamper(request_of_ours))

    assert (answer.status_code, answer.text) == (401, why)
    assert receiver.post(request_of_ours).status_code == 200
    with sqlite3.connect(receiver.database) as kept:
        assert kept.execute("select nonce from nonce").fetchall() == [(request_of_ours.headers[NONCE],)]
    kept.close()


def test_it_refuses_another_body(receiver: Receiver, request_of_ours: Request) -> None:
    changed = Request("/in", request_of_ours.headers, request_of_ours.body.replace(b"0.61", b"0.99"))
    assert receiver.post(changed).text == "the signature does not fit the body"
    assert receiver.acted == []


@pytest.mark.parametrize("seconds", [-301, 301])
def test_it_refuses_what_is_older_or_newer_than_five_minutes(seconds: int) -> None:
    now = time.time()
    headers = {TIMESTAMP: str(int(now) + seconds), NONCE: "n"}
    headers[SIGNATURE] = "sha256=" + sign(b"{}", secret=SECRET, timestamp=int(headers[TIMESTAMP]), nonce="n")

    with pytest.raises(Refused, match="too old"):
        verify(b"{}", headers, secret=SECRET, is_new=lambda _: True, now=now)
    verify(b"{}", headers, secret=SECRET, is_new=lambda _: True, now=now + seconds)


def test_a_second_delivery_under_the_same_key_is_taken_and_not_acted_on(receiver: Receiver, tmp_path: Path) -> None:
    where = settings(webhooks={"desk": {"url": receiver.url, "secret": SECRET, "is_idempotent": True}})
    for home in ("first", "second"):  # Two homes send the same week, as after a restore without outbox.
        (receipt,) = deliver(edition(), where, tmp_path / home, NOW)
        assert receipt.state == "delivered"
    assert len(receiver.acted) == 1


def test_the_module_a_receiver_copies_needs_nothing_but_python() -> None:
    source = (ROOT / "flows" / "delivery" / "signing.py").read_text(encoding="utf-8")
    assert not re.search(r"^\s*(from|import) flows", source, re.MULTILINE)
    assert set(re.findall(r"^(?:from|import) (\w+)", source, re.MULTILINE)) == {
        "hashlib", "hmac", "re", "time", "collections",
    }  # fmt: skip
