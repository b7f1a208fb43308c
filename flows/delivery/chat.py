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
from flows.delivery.edition import Edition
from flows.delivery.redaction import silence
from flows.delivery.split import split
from flows.errors import DeliveryError

# The longest message of each service, in UTF-16 units. A message is one block of text, so Slack's limit of 50 blocks
# is never reached; Discord's embeds, which have a limit of their own, are not used.
LIMITS = {"discord": 2_000, "slack": 3_000, "tgram": 4_096}

# Apprise sends these services HTML whatever format is set; they count the characters after unescaping.
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
        # Plain text, because a conversion to HTML or embeds would change the length that `split` measured.
        plugin.notify_format = NotifyFormat.TEXT
        self._plugin = plugin
        # The plugin's name of the service, because an address may also be written as https://hooks.slack.com/….
        self._service = str(plugin.secure_protocol)
        self._limit = min(LIMITS.get(self._service, plugin.body_maxlen), plugin.body_maxlen)

    def payloads(self, edition: Edition) -> list[str]:
        """The Markdown, split into messages within the service's limit."""
        stamp = STAMP if edition.is_simulated else ""
        return [message.text for message in split(edition.markdown, self._limit, stamp=stamp)]

    def send(self, payload: str, key: str, point_of_no_return: Callable[[], None]) -> str:
        """Post one message. Apprise returns only a boolean; the reason of a failure is read from its HTTP requests."""
        body = html.escape(payload, quote=False) if self._service in READS_HTML else payload
        point_of_no_return()
        with silence(), _requests_watched() as outcomes:
            is_sent = self._plugin.send(body=body, title="")
        if is_sent:
            return "the service took it"
        if not outcomes or any(outcome is None or _may_have_been_taken(outcome) for outcome in outcomes):
            raise OutcomeUnknown("the service was reached and did not say that it took the message")
        note = ", ".join("no connection" if outcome == 0 else f"HTTP {outcome}" for outcome in outcomes)
        raise NotDelivered(note, is_hopeless=not any(one == 0 or one in WORTH_ANOTHER_ATTEMPT for one in outcomes))


def _may_have_been_taken(status: int) -> bool:
    return 200 <= status < 300 or (status >= 500 and status not in NOT_TAKEN)


def _with(url: str, timeout_seconds: float) -> str:
    """The URL with our timeouts."""
    sign = "&" if "?" in url else "?"
    return f"{url}{sign}rto={timeout_seconds}&cto={timeout_seconds}"


@contextmanager
def _requests_watched() -> Iterator[list[int | None]]:
    """The outcome of each HTTP request made meanwhile: its status, 0 for no connection, None for unknown.

    Apprise's plugins call `requests` and do not pass the outcome on, so `requests` is patched to record it.
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
