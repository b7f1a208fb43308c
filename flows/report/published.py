"""The published file, as a reader opens it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from flows.config import Settings
from flows.errors import UsageError


def published_file(settings: Settings) -> Path:
    """The path of the published file. Raises UsageError before the first publish."""
    if not settings.published.exists():
        raise UsageError(f"{settings.published} does not exist yet. Run `trackrecord nightly` first.")
    return settings.published


@contextmanager
def open_published(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection. Raises UsageError before the first publish, and where the file is damaged."""
    published = published_file(settings)
    try:
        file = duckdb.connect(str(published), read_only=True)
    except duckdb.Error as error:
        raise UsageError(
            f"{published} cannot be opened: {str(error).splitlines()[0]} Set it aside; the next nightly writes it anew."
        ) from error
    with file:
        yield file
