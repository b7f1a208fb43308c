"""Where rows come from."""

import os
from pathlib import Path

from flows.config import Settings
from flows.errors import UsageError
from flows.sources.base import Source
from flows.sources.files import FilesSource
from flows.sources.simulated import SampleSource

# The folder of a source that only reads kept bytes: it holds no file, a trackrecord.toml least of all.
NO_FOLDER = Path(os.devnull)

NAMES = ("sample", "files", "tokenmetrics")


def open_source(
    name: str,
    folder: Path | None = None,
    vendor: str | None = None,
    prices: str | None = None,
    map_file: Path | None = None,
) -> Source:
    """The source of that name, its prices from an exchange where `prices` names one (`ccxt:EXCHANGE`).

    Raises UsageError for an unknown one, or one that lacks what it needs.
    """
    source = _source(name, folder, vendor, map_file)
    if prices is None:
        return source
    if source.is_simulated:
        raise UsageError(f"--prices makes no sense with --source {name}: no exchange lists invented tokens.")
    # ccxt takes seconds to import; whoever takes the source's own prices need not wait for it.
    from flows.sources.exchange import PricesFrom, open_exchange

    return PricesFrom(source, open_exchange(prices))


def _source(name: str, folder: Path | None, vendor: str | None, map_file: Path | None) -> Source:
    if map_file is not None and name != FilesSource.name:
        raise UsageError(f"--map makes no sense with --source {name}: it describes a folder of files.")
    match name:
        case "sample":
            return SampleSource()
        case "files":
            if folder is None:
                raise UsageError("--source files needs --input DIR, the folder that holds tokens, prices and signals.")
            return FilesSource(folder, vendor, map_file)
        case "tokenmetrics":
            # httpx takes a third of a second to import, which a command that calls nobody need not wait for.
            from flows.sources.tokenmetrics import TokenMetricsSource

            return TokenMetricsSource()
        case _:
            raise UsageError(f"--source {name} is unknown; there are {', '.join(NAMES)}.")


def open_reader(name: str, vendor: str) -> Source:
    """The source of that name for reading bytes that are kept already; it fetches nothing.

    Prices are read as the exchange's where the settings name one, as they were when they were fetched.
    """
    if name == FilesSource.name:
        return FilesSource(NO_FOLDER, vendor)
    return open_source(name, prices=None if name == SampleSource.name else Settings().prices)
