"""The `files` source: a folder in the contract's input format, Parquet or CSV, one file or a folder a dataset."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import duckdb

from flows.datasets import DATASETS, Dataset
from flows.errors import SourceError
from flows.home.raw_store import FetchedDataset, Response
from flows.sources.base import FetchRequest
from flows.sources.tabular import read_tables

SUFFIXES = (".parquet", ".csv")


class FilesSource:
    """Any vendor, through a folder of files."""

    name = "files"
    is_archive = True
    is_simulated = False
    notes: Sequence[str] = ()
    delivers_whole = True
    no_history: frozenset[str] = frozenset()

    def __init__(self, folder: Path, vendor: str | None = None) -> None:
        self.folder = folder
        self.vendor = vendor or folder.resolve().name

    def default_as_of(self) -> datetime | None:
        return None

    def fetch(self, request: FetchRequest) -> Iterator[FetchedDataset]:
        """Deliver every file of the folder whole; what was visible when is decided row by row, once parsed."""
        if not self.folder.is_dir():
            raise SourceError(f"{self.folder} is not a folder. Pass the folder that holds tokens, prices and signals.")
        for dataset in DATASETS.values():
            paths = self._paths(dataset.name)
            if paths:
                yield FetchedDataset(
                    dataset.name,
                    tuple(Response(str(path.relative_to(self.folder)), path) for path in paths),
                )
            elif dataset.is_required:
                raise SourceError(
                    f"{self.folder}: {dataset.name} is missing. Add {dataset.name}.parquet, {dataset.name}.csv or a "
                    f"folder {dataset.name}/ of them; tokens, prices and signals are required."
                )

    def parse(
        self, connection: duckdb.DuckDBPyConnection, dataset: Dataset, kept: list[Path]
    ) -> duckdb.DuckDBPyRelation:
        return read_tables(connection, dataset, kept)

    def _paths(self, name: str) -> list[Path]:
        found = [path for suffix in SUFFIXES if (path := self.folder / f"{name}{suffix}").is_file()]
        inside = self.folder / name
        if inside.is_dir():
            found += sorted(path for path in inside.rglob("*") if path.suffix in SUFFIXES)
        return found
