"""Pages that have been paid for, kept as they came until the fetch that wanted them is whole.

A fetch that is interrupted finds here what it holds already. Once every delivery is in `raw/`, the folder is emptied.
"""

import gzip
import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flows.sources.tokenmetrics.body import rows_of
from flows.sources.tokenmetrics.endpoints import BY_NAME, Endpoint

STALE_SECONDS = 3 * 86_400


@dataclass(frozen=True)
class Page:
    """One answer: what was asked, when, and the body as it came, compressed."""

    endpoint: str
    params: dict[str, str]
    status: int
    fetched_at: datetime
    packed: bytes

    @property
    def described(self) -> Endpoint:
        return BY_NAME[self.endpoint]

    @property
    def rows(self) -> list[Any]:
        """The rows under `data`."""
        return rows_of(gzip.decompress(self.packed))

    @property
    def sha256(self) -> str:
        """Of the packed bytes: the name under which `raw/` keeps them."""
        return hashlib.sha256(self.packed).hexdigest()


def packed(body: bytes) -> bytes:
    """A body compressed; the same body gives the same bytes."""
    return gzip.compress(body, compresslevel=6, mtime=0)


class PageStore:
    """The folder of pages of one fetch and of those that died before it.

    `run_key` tells apart fetches that ask the same thing and mean another moment: a day, or an hour of it.
    """

    def __init__(self, home: Path, run_key: str) -> None:
        self._folder = home / "pages" / "tokenmetrics"
        self._run_key = run_key
        self._folder.mkdir(parents=True, exist_ok=True)
        self._drop_stale()

    def held(self, endpoint: str, params: Mapping[str, str], reading: int) -> Page | None:
        """The page that answers this request, where it is held whole."""
        try:
            told, packed_body = self._path(endpoint, params, reading).read_bytes().split(b"\n", 1)
            about = json.loads(told)
        except (FileNotFoundError, ValueError):
            return None
        page = Page(endpoint, dict(params), about["status"], datetime.fromisoformat(about["fetched_at"]), packed_body)
        # The disk is not made to wait for each page: one that a power cut tore is no page.
        return page if page.sha256 == about["sha256"] else None

    def keep(self, page: Page, reading: int) -> None:
        """Keep a page, whole or not at all."""
        path = self._path(page.endpoint, page.params, reading)
        about = {"status": page.status, "fetched_at": page.fetched_at.isoformat(), "sha256": page.sha256}
        partial = path.with_suffix(f".partial-{os.getpid()}")
        partial.write_bytes(json.dumps(about).encode() + b"\n" + page.packed)
        os.replace(partial, path)

    def clear(self) -> None:
        """Forget every page: all of them are in `raw/`."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, endpoint: str, params: Mapping[str, str], reading: int) -> Path:
        told = json.dumps([self._run_key, endpoint, sorted(params.items()), reading])
        return self._folder / f"{hashlib.sha256(told.encode()).hexdigest()}.page"

    def _drop_stale(self) -> None:
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > STALE_SECONDS:
                    path.unlink()
