"""Chat: the digest's Markdown in as many messages as the service takes, through apprise."""

import html
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests
from apprise import Apprise, NotifyFormat
from pydantic import SecretStr
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from flows.delivery.channels import NotDelivered, OutcomeUnknown
from flows.delivery.discretion import silence
from flows.delivery.edition import Edition
from flows.delivery.split import split
from flows.errors import DeliveryError

# What the services take in one message, in UTF-16 units. One message is one block of text, and one block is within
# Slack's 50 blocks; no embeds are used on Discord, whose 10 may hold 6,000 beside the 2,000 of the message.
LIMITS = {"discord": 2_000, "slack": 3_000, "tgram": 4_096}

# Whatever apprise is told, it sends these services HTML. They count what a reader sees, not how it is written.
READS_HTML = {"tgram"}

STAMP = "SIMULATED"

NOT_TAKEN = {503}
WORTH_ANOTHER_ATTEMPT = {408, 425, 429, 503}


class Chat:
    """A room of a chat service, by its apprise URL."""

    is_idempotent = False

    def __init__(self, label: str, url: SecretStr, timeout_seconds: float) -> None:
        self.name = f"chat.{label}"
        with silence():
            plugin = Apprise.instantiate(_with(url.get_secret_value(), timeout_seconds), suppress_exceptions=True)
        if plugin is None:
            raise DeliveryError(
                f"The address of {self.name} in TRACKRECORD_CHATS is none that apprise knows. It is written like "
                "discord://id/token; see https://github.com/caronc/apprise/wiki."
            )
        # As it is: what apprise turns into HTML or embeds would no longer have the length that was measured.
        plugin.notify_format = NotifyFormat.TEXT
        self._plugin = plugin
        # Also where the address is the service's own, https://hooks.slack.com/…: the limits are the service's.
        self._service = str(plugin.secure_protocol)
        self._limit = min(LIMITS.get(self._service, plugin.body_maxlen), plugin.body_maxlen)

    def payloads(self, edition: Edition) -> list[str]:
        """The Markdown in messages that the service takes whole."""
        stamp = STAMP if edition.is_simulated else ""
        return [message.text for message in split(edition.markdown, self._limit, stamp=stamp)]

    def send(self, payload: str, key: str, point_of_no_return: Callable[[], None]) -> str:
        """Post one message. Apprise only says yes or no; what is known of a no is read off the requests it made."""
        body = html.escape(payload, quote=False) if self._service in READS_HTML else payload
        point_of_no_return()
        with silence(), _requests_watched() as outcomes:
            is_sent = self._plugin.send(body=body, title="")
        if is_sent:
            return "the service took it"
        if not outcomes or any(outcome is None or _may_have_been_taken(outcome) for outcome in outcomes):
            raise OutcomeUnknown("the service was reached and did not say that it took the message")
        told = ", ".join("no connection" if outcome == 0 else f"HTTP {outcome}" for outcome in outcomes)
        raise NotDelivered(told, is_hopeless=not any(one == 0 or one in WORTH_ANOTHER_ATTEMPT for one in outcomes))


def _may_have_been_taken(status: int) -> bool:
    return 200 <= status < 300 or (status >= 500 and status not in NOT_TAKEN)


def _with(url: str, timeout_seconds: float) -> str:
    """The URL with our timeouts."""
    sign = "&" if "?" in url else "?"
    return f"{url}{sign}rto={timeout_seconds}&cto={timeout_seconds}"


@contextmanager
def _requests_watched() -> Iterator[list[int | None]]:
    """What became of each HTTP request meanwhile: its status, 0 where no connection came about, None: not known.

    Apprise's plugins make their requests by `requests` and keep the outcome to themselves, so it is read off there.
    """
    outcomes: list[int | None] = []
    send = requests.Session.send

    def watched(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        try:
            response = send(session, request, **options)
        except requests.RequestException as error:
            outcomes.append(0 if _never_connected(error) else None)
            raise
        outcomes.append(response.status_code)
        return response

    requests.Session.send = watched  # type: ignore[method-assign, assignment]
    try:
        yield outcomes
    finally:
        requests.Session.send = send  # type: ignore[method-assign]


def _never_connected(error: requests.RequestException) -> bool:
    reason = error.args[0] if error.args else None
    if isinstance(reason, MaxRetryError):
        reason = reason.reason
    return isinstance(reason, (NewConnectionError, ConnectTimeoutError))
