"""The `files` source: a folder in the contract's input format, Parquet or CSV, one file or a folder a dataset."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import duckdb

from flows.datasets import DATASETS, Dataset
from flows.errors import SourceError
from flows.home.raw_store import FetchedDataset, Response
from flows.sources.base import FetchRequest
from flows.sources.declaration import FILE, file_pattern, read_folder_declaration
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

    def __init__(self, folder: Path, vendor: str | None = None, map_file: Path | None = None) -> None:
        self.folder = folder
        self.declaration = read_folder_declaration(map_file or folder / FILE, is_required=map_file is not None)
        self.style = self.declaration.of("signals").style
        self.vendor = vendor or self.declaration.vendor or folder.resolve().name

    def default_as_of(self) -> datetime | None:
        return None

    def fetch(self, request: FetchRequest) -> Iterator[FetchedDataset]:
        """Deliver every file of the folder whole; what was visible when is decided row by row, once parsed."""
        if not self.folder.is_dir():
            raise SourceError(f"{self.folder} is not a folder. Pass the folder that holds tokens, prices and signals.")
        for dataset in DATASETS.values():
            declared = self.declaration.of(dataset.name).file
            paths = self._declared_paths(dataset.name, declared) if declared else self._paths(dataset.name)
            if paths:
                yield FetchedDataset(
                    dataset.name,
                    tuple(Response(str(path.relative_to(self.folder)), path) for path in paths),
                    declaration=self.declaration.text_of(dataset.name),
                )
            elif dataset.is_required:
                raise SourceError(
                    f"{self.folder}: {dataset.name} is missing. Add {dataset.name}.parquet, {dataset.name}.csv or a "
                    f"folder {dataset.name}/ of them; tokens, prices and signals are required. Where other files hold "
                    f"them, `trackrecord map {self.folder}` proposes how to read those."
                )

    def parse(
        self, connection: duckdb.DuckDBPyConnection, dataset: Dataset, kept: list[Path]
    ) -> duckdb.DuckDBPyRelation:
        return read_tables(connection, dataset, kept)

    def _declared_paths(self, name: str, declared: str) -> list[Path]:
        """The files that trackrecord.toml names for a dataset, by name. Raises SourceError where there is none."""
        pattern = file_pattern(declared)
        paths = (path for path in self.folder.rglob("*") if path.is_file())
        names = {path: path.relative_to(self.folder).as_posix() for path in paths}
        # A pattern leaves the files alone that bear a dataset's name.
        found = sorted(
            path
            for path, name in names.items()
            if pattern.fullmatch(name) and (name == declared or name.split(".")[0].lower() not in DATASETS)
        )
        if not found:
            raise SourceError(
                f'{self.folder}: no file is named as [{name}] file = "{declared}" of trackrecord.toml. Correct it; '
                "* stands for any letters. Then run again."
            )
        return found

    def _paths(self, name: str) -> list[Path]:
        found = [path for suffix in SUFFIXES if (path := self.folder / f"{name}{suffix}").is_file()]
        inside = self.folder / name
        if inside.is_dir():
            found += sorted(path for path in inside.rglob("*") if path.suffix in SUFFIXES)
        return found
