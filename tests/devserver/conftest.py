"""A dev server on loopback with a plain HTTP client, so that tests check what is on the wire."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import httpx
import pytest

from flows.devserver import KEY, DevServer

NOW = datetime(2026, 11, 22, 6)

Serve = Callable[..., tuple[DevServer, httpx.Client]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a dev server, and a client that sends its key; both end with the test."""
    with ExitStack() as stack:

        def start(version: str = "v2", **options: Any) -> tuple[DevServer, httpx.Client]:
            server = stack.enter_context(DevServer(now=NOW, **options))
            headers = {"x-api-key": KEY}
            client = stack.enter_context(
                # No TLS on loopback, so the machine's certificates, which are slow to load, are not read.
                httpx.Client(base_url=f"{server.base_url}/{version}", headers=headers, timeout=5, verify=False)
            )
            return server, client

        yield start


def every_page(client: httpx.Client, path: str, limit: int = 100, **params: Any) -> list[dict[str, Any]]:
    """All rows of a query, page after page, until one is not full."""
    rows: list[dict[str, Any]] = []
    for page in range(1, 1000):
        response = client.get(path, params={**params, "limit": limit, "page": page})
        if response.status_code == 404:
            return rows
        assert response.status_code == 200, response.text
        rows += response.json()["data"]
        if len(response.json()["data"]) < limit:
            return rows
    raise AssertionError("endless")
