"""The `files` source: a folder in the contract's input format, Parquet or CSV, one file or a folder a dataset."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import duckdb

from flows.datasets import DATASETS, Dataset
from flows.errors import SourceError, UsageError
from flows.home.raw_store import FetchedDataset, Kept, Response
from flows.sources.base import FetchRequest, Part
from flows.sources.declaration import FILE, file_pattern, read_folder_declaration
from flows.sources.folder import DataFile, files_where, survey
from flows.sources.tabular import read_parts

# The longest text that the gate lets through.
LONGEST_NAME = 200


class FilesSource:
    """Any vendor, through a folder of files."""

    name = "files"
    is_archive = True
    is_simulated = False
    delivers_whole = True
    no_history: frozenset[str] = frozenset()

    def __init__(self, folder: Path, vendor: str | None = None, map_file: Path | None = None) -> None:
        self.folder = folder
        self.declaration = read_folder_declaration(map_file or folder / FILE, is_required=map_file is not None)
        self.style = self.declaration.of("signals").style
        self.vendor = vendor or self.declaration.vendor or folder.resolve().name
        if not self.vendor.isprintable() or len(self.vendor) > LONGEST_NAME:
            raise UsageError(
                f"{self.vendor!a} cannot be a vendor's name: it is longer than {LONGEST_NAME} characters, or some of "
                "them cannot be shown. Name the vendor with --vendor NAME."
            )
        self.notes: Sequence[str] = ()

    def default_as_of(self) -> datetime | None:
        return None

    def fetch(self, request: FetchRequest) -> Iterator[FetchedDataset]:
        """Deliver every file of the folder whole; what was visible when is decided row by row, once parsed."""
        if not self.folder.is_dir():
            raise SourceError(f"{self.folder} is not a folder. Pass the folder that holds tokens, prices and signals.")
        found = survey(self.folder)
        declared = {
            name: self._declared_files(name, file) for name in DATASETS if (file := self.declaration.of(name).file)
        }
        found.leave_out(one.name for files in declared.values() for one in files)
        self.notes = found.remarks()
        for dataset in DATASETS.values():
            files = declared.get(dataset.name) or found.files.get(dataset.name, [])
            if files:
                yield FetchedDataset(
                    dataset.name,
                    tuple(Response(one.name, one.path) for one in files),
                    declaration=self.declaration.text_of(dataset.name),
                )
            elif dataset.is_required:
                raise SourceError(
                    " ".join(
                        (
                            f"{self.folder}: {dataset.name} is missing. Add {dataset.name}.parquet, {dataset.name}.csv "
                            f"or a folder {dataset.name}/ of them; tokens, prices and signals are required. Where "
                            f"other files hold them, `trackrecord map {self.folder}` proposes how to read those.",
                            *self.notes,
                        )
                    )
                )

    def parse(self, connection: duckdb.DuckDBPyConnection, dataset: Dataset, kept: Kept) -> Sequence[Part]:
        return read_parts(connection, dataset, kept)

    def _declared_files(self, name: str, declared: str) -> list[DataFile]:
        """The files that trackrecord.toml names for a dataset. Raises SourceError where there is none."""
        pattern = file_pattern(declared)
        # A pattern leaves the files alone that bear a dataset's name.
        found = files_where(
            self.folder,
            lambda one: (
                pattern.fullmatch(one) is not None and (one == declared or one.split(".")[0].lower() not in DATASETS)
            ),
        )
        if not found:
            raise SourceError(
                f'{self.folder}: no file is named as [{name}] file = "{declared}" of trackrecord.toml. Correct it; '
                "* stands for any letters. Then run again."
            )
        return found
