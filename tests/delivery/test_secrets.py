"""No secret is in a log, a message, a file or a database, whatever goes wrong."""

import io
import logging
import os
import traceback
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from pydantic import ValidationError

from flows.delivery import delivery as record
from flows.delivery.deliver import deliver
from flows.delivery.overdue import overdue
from flows.delivery.redaction import redact
from flows.delivery.settings import DeliverySettings
from flows.errors import DeliveryError

from .editions import NOW, edition, mail_to, settings
from .servers import endpoint, free_port, mail_server

SENTINEL = "s3ntinel-0f-a-secret"
FORMS = [SENTINEL, b64encode(SENTINEL.encode()).decode(), "s3ntinel%2D0f%2Da%2Dsecret"]


def assert_silent(text: str) -> None:
    for form in FORMS:
        assert form not in text


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    """Everything that any library logs at level DEBUG, tracebacks included."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    loggers = [logging.getLogger(name) for name in ("", "httpx", "httpcore", "apprise", "urllib3", "requests")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    # The test's mail server receives the secret, so its own log is left out.
    handler.addFilter(lambda record: not record.name.startswith("mail."))
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def secret_targets(hook: str, chat: str, port: int) -> dict[str, Any]:
    return {
        **mail_to(port),
        "smtp_user": "digest",
        "smtp_password": SENTINEL,
        "webhooks": {"desk": {"url": f"{hook}/{SENTINEL}?token={SENTINEL}", "secret": f"the key {SENTINEL}"}},
        "chats": {"team": f"json://user:{SENTINEL}@{chat.removeprefix('http://')}/{SENTINEL}"},
    }


@pytest.mark.parametrize("answers", [[200], [401], [500], ["break"], ["closed"]])
def test_no_secret_is_shown_whatever_the_servers_do(tmp_path: Path, logs: io.StringIO, answers: list[Any]) -> None:
    # Some servers repeat the client's input in their answer.
    echo = f"535 5.7.8 wrong password {SENTINEL} for AUTH {FORMS[1]}"
    opened = {"authenticator": lambda *_: AuthResult(success=True), "auth_require_tls": False}
    with (
        mail_server(smtp=opened, at_rcpt=[echo]) as mail,
        endpoint(answers=[*answers]) as hook,
        endpoint(answers=[*answers]) as chat,
    ):
        closed = f"http://127.0.0.1:{free_port()}"
        urls = (closed, closed) if answers == ["closed"] else (hook.url, chat.url)
        where = settings(**secret_targets(*urls, mail.port))
        receipts = deliver(edition(), where, tmp_path, NOW)

    assert len(receipts) == 3
    notes = {receipt.key.partition("/")[2]: receipt.note for receipt in receipts}
    assert "535 5.7.8 wrong password ***" in notes["mail.desk"]
    if answers != ["closed"]:
        assert hook.requests and chat.requests
        assert SENTINEL in hook.requests[0].path
    for one in (receipts, where, record.read(tmp_path), overdue(tmp_path, NOW.replace(day=14), where)):
        assert_silent(repr(one))
    logging.getLogger("httpx").debug("It listens.")
    assert "It listens." in logs.getvalue()
    assert_silent(logs.getvalue())
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"outbox.sqlite", "outbox.lock", "deliveries.jsonl"}
    for path in files:
        assert_silent(path.read_bytes().decode("latin-1"))


def test_a_server_that_repeats_a_password_is_struck_clean(tmp_path: Path) -> None:
    with mail_server(at_rcpt=[f"550 no, {SENTINEL}"]) as server:
        where = settings(**mail_to(server.port), webhooks={"x": {"url": "http://localhost:1/", "secret": SENTINEL}})
        receipt = deliver(edition(), where, tmp_path, NOW)[0]
    assert "550 no, ***" in receipt.note


def test_parts_of_a_url_are_struck_too() -> None:
    url = "tgram://123456789:AAF-token-of-a-bot/987654321?x=1"
    assert redact("POST /bot123456789:AAF-token-of-a-bot/sendMessage", [url]) == "POST /bot***:***/sendMessage"


def test_a_chat_apprise_does_not_know_is_an_error_that_does_not_quote_it(logs: io.StringIO) -> None:
    where = settings(chats={"team": f"carrier-pigeon://{SENTINEL}"})
    with pytest.raises(DeliveryError, match=r"chat\.team in TRACKRECORD_CHATS") as error:
        deliver(edition(), where, Path("nowhere"), NOW)
    assert_silent("".join(traceback.format_exception(error.value)) + logs.getvalue())


BAD = [
    ("TRACKRECORD_WEBHOOKS", f'{{"desk": {{"url": "https://example.org/{SENTINEL}"', "not a JSON object"),
    (
        "TRACKRECORD_WEBHOOKS",
        f'{{"desk": {{"url": "http://example.org/{SENTINEL}", "secret": "{SENTINEL}"}}}}',
        "https://",
    ),
    ("TRACKRECORD_WEBHOOKS", f'{{"desk": {{"url": "https://[{SENTINEL}", "secret": "{SENTINEL}"}}}}', "https://"),
    (
        "TRACKRECORD_WEBHOOKS",
        f'{{"desk": {{"url": "https://a.b", "secret": "x", "token": "{SENTINEL}"}}}}',
        "at least 16",
    ),
    (
        "TRACKRECORD_WEBHOOKS",
        f'{{"{SENTINEL} {SENTINEL}": {{"url": "https://a.b", "secret": "{SENTINEL}"}}}}',
        "names are",
    ),
    ("TRACKRECORD_CHATS", f'["discord://{SENTINEL}"]', "dictionary"),
    ("TRACKRECORD_CHATS", f"discord://{SENTINEL}", "not a JSON object"),
]


@pytest.mark.parametrize(("name", "value", "message"), BAD)
def test_settings_that_cannot_be_used_are_not_quoted(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=message) as error:
        DeliverySettings(_env_file=None)  # type: ignore[call-arg]
    assert_silent("".join(traceback.format_exception(error.value)))
    # The command line's message.
    assert_silent("; ".join(at["msg"] for at in error.value.errors()))


def test_settings_print_as_stars() -> None:
    where = settings(**secret_targets("https://example.org", "example.org", 25))
    assert_silent(f"{where!r} {where} {where.model_dump_json()} {where.model_dump()}")
    assert os.environ.get("TRACKRECORD_SMTP_PASSWORD") is None
