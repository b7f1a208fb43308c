"""Webhook: the digest's JSON, signed and posted; the outcome can be unknown only once its last byte is sent."""

import secrets
import time
from collections.abc import Callable, Iterator

import httpx

from flows.delivery.channels import NotDelivered, OutcomeUnknown
from flows.delivery.edition import Edition
from flows.delivery.redaction import silence
from flows.delivery.settings import Webhook
from flows.delivery.signing import NONCE, SIGNATURE, TIMESTAMP, sign
from flows.delivery.tls import trusted

# Status codes of a receiver that has not begun to process the request.
NOT_TAKEN = {503}
WORTH_ANOTHER_ATTEMPT = {408, 425, 429, 503}


class WebhookChannel:
    """One endpoint."""

    def __init__(self, label: str, webhook: Webhook, timeout_seconds: float) -> None:
        self.name = f"webhook.{label}"
        self.is_idempotent = webhook.is_idempotent
        self._webhook = webhook
        self._timeout = timeout_seconds

    def payloads(self, edition: Edition) -> list[bytes]:
        """The digest's JSON, as it is."""
        return [edition.json]

    def send(self, payload: bytes, key: str, point_of_no_return: Callable[[], None]) -> str:
        """Post the JSON. After 4xx and 503 it was not accepted; after another 5xx, or no answer, that is unknown."""
        timestamp, nonce = int(time.time()), secrets.token_urlsafe(18)
        signature = sign(payload, secret=self._webhook.secret.get_secret_value(), timestamp=timestamp, nonce=nonce)
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(payload)),
            "User-Agent": "trackrecord",
            "Idempotency-Key": key,
            TIMESTAMP: str(timestamp),
            NONCE: nonce,
            SIGNATURE: f"sha256={signature}",
        }
        is_out = False

        def body() -> Iterator[bytes]:
            # A receiver without the last byte cannot check the signature, so it cannot act on the body.
            nonlocal is_out
            yield payload[:-1]
            point_of_no_return()
            is_out = True
            yield payload[-1:]

        try:
            with silence(), httpx.Client(timeout=self._timeout, verify=trusted()) as client:
                answer = client.post(self._webhook.url.get_secret_value(), content=body(), headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # The error's type alone, because its message may quote the URL.
            if is_out:
                raise OutcomeUnknown(f"no answer after the whole request was sent: {type(error).__name__}") from None
            raise NotDelivered(f"the endpoint could not be reached: {type(error).__name__}{_why(error)}") from None
        code = answer.status_code
        if answer.is_success:
            return f"HTTP {code}"
        if code >= 500 and code not in NOT_TAKEN:
            raise OutcomeUnknown(f"HTTP {code}: the receiver failed without saying whether it took the digest")
        raise NotDelivered(f"HTTP {code}: the receiver refused", is_hopeless=code not in WORTH_ANOTHER_ATTEMPT)


def _why(error: BaseException | None) -> str:
    """The operating system's error text, if there is one: unlike the library's it quotes no URL."""
    while error is not None:
        if isinstance(error, OSError) and error.strerror:
            return f", {error.strerror}"
        error = error.__cause__ or error.__context__
    return ""
