"""raw/: the source's bytes, one file a response, named by their SHA-256, never changed."""

import hashlib
import os
import shutil
import stat
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from uuid import uuid4

from flows.errors import SourceError, WarehouseError
from flows.home import journal

CHUNK = 1 << 20
PARTIAL_LIVES_SECONDS = 86_400
DISK_THREADS = 8


@dataclass(frozen=True)
class Response:
    """One body as the source delivered it: where it came from, and its bytes (or the file that holds them)."""

    name: str
    content: bytes | Path
    request: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FetchedDataset:
    """One dataset of one fetch: all responses that it consists of.

    `since` is the first day from which on it is complete for every token in it: a row of that day or later that it
    lacks has vanished from the source. None takes each token's own first row as that day. `declaration` is how its
    bytes are to be read, as JSON, where that was declared.
    """

    dataset: str
    responses: tuple[Response, ...]
    since: date | None = None
    declaration: str | None = None


@dataclass(frozen=True)
class Kept:
    """A fetched dataset on disk: the files, one checksum over all of them, and the source's name of each.

    `since` and `declaration` are the fetched dataset's. `token_ids` are those that were requested; None is all.
    """

    dataset: str
    paths: tuple[Path, ...]
    sha256: str
    n_bytes: int
    names: tuple[str, ...] = ()
    since: date | None = None
    token_ids: frozenset[int] | None = None
    declaration: str | None = None

    def in_their_names(self, text: str) -> str:
        """A message with the source's names of the files instead of ours."""
        for path, name in zip(self.paths, self.names, strict=False):
            text = text.replace(str(path), name)
            text = text if path.name in name else text.replace(path.name, name)
        return text


def keep(home: Path, fetched: FetchedDataset, *, source: str, token_ids: frozenset[int] | None = None) -> Kept:
    """Store every response before it is parsed; bytes that are stored already are not written again.

    `token_ids` are those that were requested, None is all.

    Raises SourceError when a delivered file cannot be read, WarehouseError when it cannot be kept.
    """
    try:
        kept = _keep_all(home, fetched, source)
    except OSError as error:
        raise WarehouseError(
            f"{fetched.dataset} cannot be kept under {home / 'raw'}: {error.strerror}. "
            "Make room and the folder writable, then run again; nothing was changed."
        ) from error
    names = tuple(response.name for response in fetched.responses)
    n_bytes = sum(path.stat().st_size for path in kept)
    return Kept(
        fetched.dataset,
        tuple(kept),
        checksum_of(kept, names),
        n_bytes,
        names,
        fetched.since,
        token_ids,
        fetched.declaration,
    )


def checksum_in(path: Path) -> str:
    """The checksum that names a kept file."""
    return path.name.split(".")[0]


def checksum_of(paths: Sequence[Path], names: Sequence[str] = ()) -> str:
    """One checksum over kept files, from those that name them and the `key=value` folders that they came from."""
    checksums = [checksum_in(path) for path in paths]
    keys = ["/".join(part for part in name.split("/")[:-1] if "=" in part) for name in names]
    checksums += keys if any(keys) else []
    return checksums[0] if len(checksums) == 1 else hashlib.sha256("\n".join(checksums).encode()).hexdigest()


@dataclass(frozen=True)
class _Written:
    """A response's bytes in a partial file, and the name that file will get."""

    response: Response
    partial: Path
    final: Path
    n_bytes: int


def _keep_all(home: Path, fetched: FetchedDataset, source: str) -> list[Path]:
    """The files of the responses, which get their names only once all are on disk and in the journal."""
    folder = home / "raw" / fetched.dataset
    folder.mkdir(parents=True, exist_ok=True)
    _drop_old_partials(folder)
    # Unique names until the files are complete, because another process may fetch the same dataset.
    attempt = f".partial-{os.getpid()}-{uuid4().hex[:8]}"
    partials = [folder / f"{attempt}-{number}" for number in range(len(fetched.responses))]
    try:
        # Writing side by side lets the disk flush many files at once.
        with ThreadPoolExecutor(DISK_THREADS) as pool:
            written = list(pool.map(_write, partials, fetched.responses))
        new: dict[Path, _Written] = {}
        for one in written:
            if not one.final.exists():
                new.setdefault(one.final, one)
        # The journal first: a crash in between leaves a line too many, never bytes without a line.
        journal.append_all(home, "raw", [_manifest_line(home, fetched.dataset, source, one) for one in new.values()])
        for one in new.values():
            os.replace(one.partial, one.final)
        return [one.final for one in written]
    finally:
        for partial in partials:
            partial.unlink(missing_ok=True)


def _write(partial: Path, response: Response) -> _Written:
    checksum, n_bytes = hashlib.sha256(), 0
    with partial.open("wb") as target:
        for chunk in _chunks(response):
            checksum.update(chunk)
            n_bytes += target.write(chunk)
        target.flush()
        os.fsync(target.fileno())
    return _Written(response, partial, partial.parent / f"{checksum.hexdigest()}{_suffix(response.name)}", n_bytes)


def _suffix(name: str) -> str:
    """The suffix of a kept file; of a compressed table both, so that any tool opens it."""
    suffixes = Path(name).suffixes[-2:]
    is_table = len(suffixes) == 2 and suffixes[0].lower() in (".csv", ".tsv", ".parquet")
    return "".join(suffixes) if is_table and suffixes[1].lower() in (".gz", ".zst") else Path(name).suffix


def _manifest_line(home: Path, dataset: str, source: str, one: _Written) -> dict[str, object]:
    """The journal's line about a file."""
    return {
        "dataset": dataset,
        "file": str(one.final.relative_to(home)),
        "source": source,
        "name": one.response.name,
        "request": one.response.request,
        "sha256": checksum_in(one.final),
        "n_bytes": one.n_bytes,
    }


def _drop_old_partials(folder: Path) -> None:
    """Remove partial files of fetches that died; a living one never takes a day for a file."""
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
        # Without blocking, because a pipe put in the file's place would be waited for.
        with os.fdopen(os.open(response.content, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            before = os.fstat(file.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise SourceError(f"{response.content} is no regular file. Write the rows to a file.")
            n_bytes = 0
            while chunk := file.read(CHUNK):
                n_bytes += len(chunk)
                yield chunk
            after = os.fstat(file.fileno())
    except OSError as error:
        raise SourceError(
            f"{response.content} cannot be read: {error.strerror}. Check that it is a file you may read."
        ) from error
    if n_bytes != before.st_size or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise SourceError(
            f"{response.content} changed while it was read: it is still being written. Run again once it is whole; "
            "best write beside it and rename. Nothing was changed."
        )


def free_disk_mb(home: Path) -> int:
    """Free megabytes on the disk that holds `home`."""
    home.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(home).free // 2**20
