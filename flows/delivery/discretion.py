"""Keeping secrets: what libraries log is silenced while they hold one, and what servers say is struck clean of them."""

import logging
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from urllib.parse import quote, unquote, urlsplit

MAX_TOLD = 300

# Parts of a URL shorter than this are words (`api`, `v1`), not tokens.
MIN_TOKEN_LENGTH = 8

TALKATIVE = ("httpx", "httpcore", "hpack", "apprise", "requests", "urllib3", "oauthlib", "requests_oauthlib")


@contextmanager
def silence() -> Iterator[None]:
    """Let the libraries that write URLs, headers or payloads into their logs say nothing."""
    loggers = [
        logging.getLogger(name)
        for name in {*TALKATIVE, *logging.root.manager.loggerDict}
        if name.split(".")[0] in TALKATIVE
    ]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def strike(text: str, secrets: Iterable[str]) -> str:
    """Text on one line, shortened, without any secret in it, whole, in part, quoted or in base64."""
    told = " ".join(text.split())
    for form in sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True):
        told = re.sub(re.escape(form), "***", told, flags=re.IGNORECASE) if form else told
    return told if len(told) <= MAX_TOLD else f"{told[:MAX_TOLD]}…"


def _forms(secret: str) -> Iterator[str]:
    for part in {secret, *_tokens(secret)}:
        yield part
        yield quote(part, safe="")
        yield b64encode(part.encode()).decode()


def _tokens(secret: str) -> Iterator[str]:
    """What opens the door in a URL: user, password, and the long parts of path and query."""
    if "://" not in secret:
        return
    parts = urlsplit(secret)
    for text in (parts.netloc, parts.path, parts.query):
        for token in re.split(r"[/@:?&=]", text):
            if len(token) >= MIN_TOKEN_LENGTH:
                yield token
                yield unquote(token)
