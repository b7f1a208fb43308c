"""The store of pages that have been paid for, until the run that requested them has fetched everything.

A run after an interrupted one finds the pages here. They are deleted once every dataset is in `raw/`.
"""

import gzip
import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from flows.sources.tokenmetrics.body import rows_of
from flows.sources.tokenmetrics.endpoints import BY_NAME, Endpoint

FOLDER = Path("pages") / "tokenmetrics"
STALE_SECONDS = 3 * 86_400


@dataclass(frozen=True)
class Page:
    """One answer: its request, its time, and the body as it came, compressed."""

    endpoint: str
    params: dict[str, str]
    status: int
    fetched_at: datetime
    compressed: bytes

    @property
    def described(self) -> Endpoint:
        return BY_NAME[self.endpoint]

    @property
    def rows(self) -> list[Any]:
        """The rows under `data`."""
        return rows_of(gzip.decompress(self.compressed))

    @property
    def sha256(self) -> str:
        """The checksum of the compressed bytes, which is their name in `raw/`."""
        return hashlib.sha256(self.compressed).hexdigest()


def compressed(body: bytes) -> bytes:
    """A body, compressed; equal bodies give equal bytes."""
    return gzip.compress(body, compresslevel=6, mtime=0)


@dataclass(frozen=True)
class _Place:
    """The place of a page on disk: a file, and the bytes of it that are the page's."""

    path: Path
    offset: int
    n_bytes: int
    status: int
    fetched_at: datetime
    sha256: str
    first_of: str | None  # the endpoint, where it is a page of a first round


class PageStore:
    """The pages of one fetch, and of fetches with the same requests that died before it.

    `run_key` distinguishes fetches with equal requests at different moments: a day, or an hour of it. Each fetch
    appends to a file of its own, a line about a page and then the page, so that two may be under way at once.
    """

    def __init__(self, home: Path, run_key: str) -> None:
        self._folder = home / FOLDER
        self._folder.mkdir(parents=True, exist_ok=True)
        self._drop_stale()
        self._earlier = _files_of(home, run_key)
        self._places: dict[str, _Place] = {}
        for path in self._earlier:
            self._places |= _places_in(path)
        self._path = self._folder / f"{_name_of(run_key)}-{uuid4().hex}.pages"
        self._file = self._path.open("wb")

    def find(self, endpoint: str, params: Mapping[str, str], round_number: int) -> Page | None:
        """The page that answers this request, if it is stored undamaged."""
        place = self._places.get(_request(endpoint, params, round_number))
        if place is None:
            return None
        with suppress(FileNotFoundError), place.path.open("rb") as file:
            file.seek(place.offset)
            page = Page(endpoint, dict(params), place.status, place.fetched_at, file.read(place.n_bytes))
            # Pages are not flushed one by one, so that a power cut may leave a torn one, which does not count.
            return page if page.sha256 == place.sha256 else None
        return None

    def keep(self, page: Page, round_number: int) -> None:
        """Store a page: from now on it survives the death of this process."""
        request, sha256, n_bytes = _request(page.endpoint, page.params, round_number), page.sha256, len(page.compressed)
        about = {
            "request": request,
            "endpoint": page.endpoint,
            "reading": round_number,
            "status": page.status,
            "fetched_at": page.fetched_at.isoformat(),
            "n_bytes": n_bytes,
            "sha256": sha256,
        }
        self._file.write(json.dumps(about).encode() + b"\n" + page.compressed)
        self._file.flush()
        offset = self._file.tell() - n_bytes
        self._places[request] = _Place(self._path, offset, n_bytes, page.status, page.fetched_at, sha256, None)

    def close(self) -> None:
        """Close the file, and leave it for a fetch with the same requests."""
        self._file.close()
        with suppress(FileNotFoundError):
            if not self._path.stat().st_size:
                self._path.unlink()

    def clear(self) -> None:
        """Delete the pages of this fetch and of those it went on from, once all of them are in `raw/`."""
        for path in (*self._earlier, self._path):
            path.unlink(missing_ok=True)

    def _drop_stale(self) -> None:
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > STALE_SECONDS:
                    path.unlink()


def n_stored(home: Path, run_key: str) -> Counter[str]:
    """The number of pages by endpoint that a fetch would find and not pay for again, first rounds only."""
    places: dict[str, _Place] = {}
    for path in _files_of(home, run_key):
        places |= _places_in(path)
    return Counter(place.first_of for place in places.values() if place.first_of)


def _files_of(home: Path, run_key: str) -> list[Path]:
    return sorted((home / FOLDER).glob(f"{_name_of(run_key)}-*.pages"))


def _name_of(run_key: str) -> str:
    return hashlib.sha256(run_key.encode()).hexdigest()[:16]


def _places_in(path: Path) -> dict[str, _Place]:
    """The pages of a file by their requests, up to one that a dying fetch left incomplete."""
    places: dict[str, _Place] = {}
    with suppress(FileNotFoundError, ValueError, KeyError), path.open("rb") as file:
        size = path.stat().st_size
        while line := file.readline():
            about = json.loads(line)
            place = _Place(
                path,
                file.tell(),
                about["n_bytes"],
                about["status"],
                datetime.fromisoformat(about["fetched_at"]),
                about["sha256"],
                about["endpoint"] if about.get("reading") == 1 else None,
            )
            if file.seek(place.n_bytes, os.SEEK_CUR) > size:
                break
            places[about["request"]] = place
    return places


def _request(endpoint: str, params: Mapping[str, str], round_number: int) -> str:
    text = json.dumps([endpoint, sorted(params.items()), round_number])
    return hashlib.sha256(text.encode()).hexdigest()
