"""Apprise posts the whole text to a chat as we measured it: within the service's limits."""

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests
from apprise import Apprise

from flows.delivery.deliver import deliver
from flows.delivery.split import size

from .editions import NOW, edition, settings

TABLE = "| Sector | Hit rate (95 % interval) | n |\n|---|---|---|\n" + "".join(
    f"| Sector {n} <&> ✅ | {n}.5 % (40.1 to 70.2) | {n * 7} |\n" for n in range(150)
)
LONG = (
    f"# The week\n\n{TABLE}\n```\n"
    + "select * from marts.signal_scorecard\n" * 80
    + "```\n\n*Not* advice & no <promise>.\n"
)

# For each service: its address, how to read the text out of what is posted, and the limit that it publishes.
SERVICES = {
    "discord": ("discord://123456789012345678/a-token-of-a-webhook", lambda posted: posted["content"], 2_000),
    "slack": (
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        lambda posted: posted["attachments"][0]["text"],
        3_000,
    ),
    "telegram": ("tgram://123456789:abcdefg_hijklmnop/12315544", lambda posted: html.unescape(posted["text"]), 4_096),
}


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The requests to the services, which are answered with success."""
    found: list[Any] = []

    def answer(_: Any, request: requests.PreparedRequest, **__: Any) -> requests.Response:
        found.append(json.loads(request.body or b"{}"))
        response = requests.Response()
        response.status_code = 200
        response._content = b"ok" if "slack" in str(request.url) else b'{"ok": true, "result": []}'
        response.request = request
        return response

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", answer)
    for address, _, _ in SERVICES.values():
        plugin = Apprise.instantiate(address)
        assert plugin is not None
        monkeypatch.setattr(type(plugin), "request_rate_per_sec", 0)
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_a_long_digest_is_posted_whole_in_messages_the_service_takes(
    service: str, posted: list[Any], tmp_path: Path
) -> None:
    address, text_of, limit = SERVICES[service]
    one = edition(markdown=LONG, is_simulated=True)

    (receipt,) = deliver(one, settings(chats={"team": address}), tmp_path, NOW)

    assert receipt.state == "delivered", receipt.note
    texts = [text_of(message) for message in posted]
    assert max(map(size, texts)) <= limit
    assert len(texts) > len(LONG) / limit
    for number, text in enumerate(texts, 1):
        assert text.startswith(f"({number}/{len(texts)}) SIMULATED\n")
        assert "embeds" not in posted[number - 1]
    if service == "telegram":  # Telegram is sent HTML.
        assert not re.search(r"<|&(?!amp;|lt;|gt;)", "".join(message["text"] for message in posted))
    # Every line of the digest, in its order; lines repeated at the top of a message are left out. Apprise merges
    # blank lines together for Telegram.
    lines = [line for text in texts for line in text.splitlines() if not re.match(r"\(\d+/\d+\) SIM", line)]
    left = iter(lines)
    for line in filter(None, LONG.splitlines()):
        assert any(found == line for found in left), line
