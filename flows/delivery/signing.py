"""Signing a webhook and checking the signature. A receiver may copy this file: it needs nothing but Python."""

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping

TIMESTAMP, NONCE, SIGNATURE = "X-Trackrecord-Timestamp", "X-Trackrecord-Nonce", "X-Trackrecord-Signature"
TOLERANCE_SECONDS = 300


class Refused(Exception):
    """The request is forged, was changed on its way, is too old, or was seen before; `why` is the reason."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def sign(body: bytes, *, secret: str, timestamp: int, nonce: str) -> str:
    """HMAC-SHA256, in hexadecimal, over `<timestamp>.<nonce>.<body>`; timestamp in seconds since 1970."""
    message = f"{timestamp}.{nonce}.".encode() + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def verify(
    body: bytes,
    headers: Mapping[str, str],
    *,
    secret: str,
    is_new: Callable[[str], bool],
    now: float | None = None,
    tolerance_seconds: float = TOLERANCE_SECONDS,
) -> None:
    """Return if the request is genuine and fresh; raise Refused otherwise.

    `body` is the bytes as received, before any parsing. `is_new` stores a nonce and returns whether it was new, in one
    atomic step; it has to store it for longer than `tolerance_seconds`. It is called last, so that a forged request
    cannot use up a nonce.
    """
    sent = {name.lower(): value for name, value in headers.items()}
    timestamp, nonce, signature = (sent.get(name.lower(), "") for name in (TIMESTAMP, NONCE, SIGNATURE))
    # Neither may contain a dot, or bytes could be moved from the body into the nonce under the same signature.
    if not (re.fullmatch(r"[0-9]{1,12}", timestamp) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", nonce)):
        raise Refused("the timestamp or the nonce is missing or malformed")
    if not signature.isascii():
        raise Refused("the signature is malformed")
    expected = sign(body, secret=secret, timestamp=int(timestamp), nonce=nonce)
    if not hmac.compare_digest(f"sha256={expected}", signature):
        raise Refused("the signature does not fit the body")
    if abs((time.time() if now is None else now) - int(timestamp)) > tolerance_seconds:
        raise Refused("the request is too old, or a clock is wrong")
    if not is_new(nonce):
        raise Refused("the request was seen before")
