"""Compressed files: what a file is by its first bytes, and its text, decompressed to the end and checked on the way."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

import pyarrow as pa

CHUNK = 1 << 20

PARQUET = b"PAR1"
# The first bytes of a compressed file, and DuckDB's name of the compression, which is Arrow's.
COMPRESSIONS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
# First bytes of files that are no table, by what they are.
OTHERS = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"SQLite format 3": "an SQLite database",
    b"ARROW1": "an Arrow or Feather file",
    b"\x89HDF": "an HDF5 file",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"\xff\xfe": "encoded as UTF-16",
    b"\xfe\xff": "encoded as UTF-16",
}


def compression_of(path: Path) -> str | None:
    """The compression of a file, by its first bytes; None where there is none."""
    with path.open("rb") as file:
        first = file.read(4)
    return next((name for magic, name in COMPRESSIONS.items() if first.startswith(magic)), None)


def first_bytes(path: Path, compression: str | None, n_bytes: int = 16) -> bytes:
    """The first bytes of a file's content. Raises OSError where they cannot be decompressed."""
    with _stream(path, compression) as stream:
        return bytes(stream.read(n_bytes))


def require_whole(path: Path, compression: str | None) -> None:
    """Decompress a file to its end. Raises OSError where it is cut or damaged: DuckDB takes what it gets for all."""
    if compression is not None:
        count_bytes(path, compression, b'"')


def count_bytes(path: Path, compression: str | None, byte: bytes) -> tuple[int, int]:
    """The length of a file's content, and how often a byte is in it. Raises OSError where it is cut or damaged."""
    n_bytes = n_found = 0
    with _stream(path, compression) as stream:
        while chunk := stream.read(CHUNK):
            n_bytes += len(chunk)
            n_found += chunk.count(byte)
    return n_bytes, n_found


@contextmanager
def open_text(path: Path, compression: str | None) -> Iterator[TextIO]:
    """The text of a file, decompressed, its line ends as they are."""
    with _stream(path, compression) as stream, TextIOWrapper(stream, "utf-8-sig", newline="") as text:
        yield text


@contextmanager
def _stream(path: Path, compression: str | None) -> Iterator[pa.NativeFile]:
    with pa.OSFile(str(path)) as file:
        if compression is None:
            yield file
            return
        with pa.CompressedInputStream(file, compression) as stream:
            yield stream
