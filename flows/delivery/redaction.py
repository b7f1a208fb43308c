"""Redaction: libraries that handle a secret do not log meanwhile, and secrets are removed from servers' answers."""

import logging
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from urllib.parse import quote, unquote, urlsplit

MAX_LENGTH = 300

# Shorter parts of a URL are words such as `api` or `v1`, not access tokens.
MIN_TOKEN_LENGTH = 8

LEAKY_LOGGERS = ("httpx", "httpcore", "hpack", "apprise", "requests", "urllib3", "oauthlib", "requests_oauthlib")


@contextmanager
def silence() -> Iterator[None]:
    """Switch off the loggers of the libraries that log URLs, headers or payloads."""
    loggers = [
        logging.getLogger(name)
        for name in {*LEAKY_LOGGERS, *logging.root.manager.loggerDict}
        if name.split(".")[0] in LEAKY_LOGGERS
    ]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def redact(text: str, secrets: Iterable[str]) -> str:
    """Text on one line, shortened, with every secret replaced: whole, in part, percent-encoded or in base64."""
    text = " ".join(text.split())
    for form in sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True):
        text = re.sub(re.escape(form), "***", text, flags=re.IGNORECASE) if form else text
    return text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]}…"


def _forms(secret: str) -> Iterator[str]:
    for part in {secret, *_tokens(secret)}:
        yield part
        yield quote(part, safe="")
        yield b64encode(part.encode()).decode()


def _tokens(secret: str) -> Iterator[str]:
    """The parts of a URL that give access: user, password, and the long parts of path and query."""
    if "://" not in secret:
        return
    parts = urlsplit(secret)
    for text in (parts.netloc, parts.path, parts.query):
        for token in re.split(r"[/@:?&=]", text):
            if len(token) >= MIN_TOKEN_LENGTH:
                yield token
                yield unquote(token)
