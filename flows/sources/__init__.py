"""Where rows come from."""

from pathlib import Path

from flows.errors import UsageError
from flows.sources.base import Source
from flows.sources.files import FilesSource
from flows.sources.simulated import SampleSource

NAMES = ("sample", "files")


def open_source(name: str, folder: Path | None = None, vendor: str | None = None) -> Source:
    """The source of that name. Raises UsageError for an unknown one, or one that lacks what it needs."""
    match name:
        case "sample":
            return SampleSource()
        case "files":
            if folder is None:
                raise UsageError("--source files needs --input DIR, the folder that holds tokens, prices and signals.")
            return FilesSource(folder, vendor)
        case _:
            raise UsageError(f"--source {name} is unknown; there are {', '.join(NAMES)}.")


def open_reader(name: str, vendor: str) -> Source:
    """The source of that name for reading bytes that are kept already; it fetches nothing."""
    return FilesSource(Path(), vendor) if name == FilesSource.name else open_source(name)
