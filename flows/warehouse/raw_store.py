"""raw/: the source's bytes, one file a response, named by their SHA-256, never changed."""

import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from flows.errors import SourceError, WarehouseError
from flows.sources.base import Delivery, Response
from flows.warehouse import journal

CHUNK = 1 << 20
PARTIAL_LIVES_SECONDS = 86_400


@dataclass(frozen=True)
class Kept:
    """A delivery whose bytes are safe: the files, one checksum over all of them, and what the source calls each.

    `since` is the delivery's own: the first day it holds whole. `token_ids` are those that were asked for; None is all.
    """

    dataset: str
    paths: tuple[Path, ...]
    sha256: str
    n_bytes: int
    names: tuple[str, ...] = ()
    since: date | None = None
    token_ids: frozenset[int] | None = None

    def in_their_names(self, text: str) -> str:
        """A message about kept files as whoever delivered them knows them."""
        for path, name in zip(self.paths, self.names, strict=False):
            text = text.replace(str(path), name).replace(path.name, name)
        return text


def keep(home: Path, delivery: Delivery, *, source: str, token_ids: frozenset[int] | None = None) -> Kept:
    """Keep every response of a delivery before anybody reads it. Bytes already held are not written again.

    `token_ids` are those that were asked for, None is all.

    Raises SourceError when a delivered file cannot be read, WarehouseError when it cannot be kept.
    """
    try:
        kept = [_keep_one(home, delivery.dataset, response, source) for response in delivery.responses]
    except OSError as error:
        raise WarehouseError(
            f"{delivery.dataset} cannot be kept under {home / 'raw'}: {error.strerror}. "
            "Make room and the folder writable, then run again; nothing was changed."
        ) from error
    names = tuple(response.name for response in delivery.responses)
    n_bytes = sum(path.stat().st_size for path in kept)
    return Kept(delivery.dataset, tuple(kept), checksum_of(kept), n_bytes, names, delivery.since, token_ids)


def checksum_of(paths: Sequence[Path]) -> str:
    """One checksum over kept files, from those that name them."""
    checksums = [path.stem for path in paths]
    return checksums[0] if len(checksums) == 1 else hashlib.sha256("\n".join(checksums).encode()).hexdigest()


def _keep_one(home: Path, dataset: str, response: Response, source: str) -> Path:
    folder = home / "raw" / dataset
    folder.mkdir(parents=True, exist_ok=True)
    # The process id keeps two fetchers apart; the name is only the bytes' own once they are complete.
    partial = folder / f".partial-{os.getpid()}"
    _drop_old_partials(folder)
    checksum = hashlib.sha256()
    try:
        with partial.open("wb") as target:
            for chunk in _chunks(response):
                checksum.update(chunk)
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        final = folder / f"{checksum.hexdigest()}{Path(response.name).suffix}"
        if not final.exists():
            # The manifest first: a crash in between leaves a line too many, never bytes that nothing tells of.
            journal.append(
                home,
                "raw",
                dataset=dataset,
                file=str(final.relative_to(home)),
                source=source,
                name=response.name,
                request=response.request,
                sha256=checksum.hexdigest(),
                n_bytes=partial.stat().st_size,
            )
            os.replace(partial, final)
        return final
    finally:
        partial.unlink(missing_ok=True)


def _drop_old_partials(folder: Path) -> None:
    """Remove what a fetch that died left half written; no living one takes a day for a file."""
    for path in folder.glob(".partial-*"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > PARTIAL_LIVES_SECONDS:
                path.unlink()


def _chunks(response: Response) -> Iterator[bytes]:
    """The bytes of a response in pieces, so that a large file never sits in memory."""
    if isinstance(response.content, bytes):
        yield response.content
        return
    try:
        with response.content.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except OSError as error:
        raise SourceError(
            f"{response.content} cannot be read: {error.strerror}. Check that it is a file you may read."
        ) from error


def free_disk_mb(home: Path) -> int:
    """Free megabytes on the disk that holds `home`."""
    home.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(home).free // 2**20
