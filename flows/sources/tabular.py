"""Reading Parquet and CSV bodies as they came: every column, nothing cast that may lose something."""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from flows.datasets import Dataset
from flows.errors import SourceError
from flows.home.raw_store import Kept
from flows.quoting import identifier, literal
from flows.sources.base import Part
from flows.sources.compression import OTHERS, PARQUET, compression_of, first_bytes, require_whole
from flows.sources.csv_file import CsvFile, reason_of
from flows.sources.declaration import stored_declaration
from flows.sources.folder import keys_of


def read_parts(connection: duckdb.DuckDBPyConnection, dataset: Dataset, kept: Kept) -> list[Part]:
    """The rows of each file of a dataset, and the columns that its `key=value` folders stand for.

    CSV cells stay text: what a cell means is decided once, by the schema, not by a sniffer that has seen the first
    rows. Raises SourceError, naming the file, where one cannot be read.
    """
    names = kept.names or tuple(path.name for path in kept.paths)
    header = stored_declaration(kept.declaration).header
    return [_read(connection, dataset, path, name, header) for path, name in zip(kept.paths, names, strict=True)]


def _read(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, path: Path, name: str, header: tuple[str, ...]
) -> Part:
    compression = compression_of(path)
    try:
        require_whole(path, compression)
        first = first_bytes(path, compression)
    except OSError as error:
        raise SourceError(
            f"{dataset.name}: {name} cannot be decompressed: {error}. Deliver the whole file again; nothing was "
            "changed."
        ) from error
    other = next((what for magic, what in OTHERS.items() if first.startswith(magic)), None)
    if other is not None:
        raise SourceError(
            f"{dataset.name}: {name} is {other}. Save it as CSV in UTF-8, or as Parquet, and run again; nothing was "
            "changed."
        )
    keys = keys_of(name)
    if first.startswith(PARQUET) or ".parquet" in name.lower():
        if compression is not None:
            raise SourceError(
                f"{dataset.name}: {name} is a Parquet file inside {compression}. Unpack it, Parquet compresses itself, "
                "and run again; nothing was changed."
            )
        return _read_parquet(connection, dataset, path, name, keys)
    file = CsvFile(dataset, path, name, compression, header)

    def after(error: duckdb.Error) -> duckdb.DuckDBPyRelation:
        return _with_keys(connection, dataset, file.after(error), name, keys)

    file.require_closed_quotes()
    try:
        return Part(_with_keys(connection, dataset, file.select(), name, keys), name, after)
    except duckdb.Error as error:
        return Part(after(error), name)


def _read_parquet(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, path: Path, name: str, keys: Mapping[str, str | None]
) -> Part:
    file = literal(str(path))

    def after(error: duckdb.Error) -> duckdb.DuckDBPyRelation:
        raise SourceError(
            f"{dataset.name}: {name} cannot be read to its end: {reason_of(error)} Deliver the whole file again; "
            "nothing was changed."
        ) from error

    # Folders above the home would else become columns of every file in it.
    select = f"select * from read_parquet({file}, hive_partitioning = false)"
    try:
        rows = _with_keys(connection, dataset, select, name, keys)
    except duckdb.Error as error:
        raise SourceError(
            f"{dataset.name}: {name} cannot be read as parquet: {reason_of(error)} Deliver the whole file again; "
            "nothing was changed."
        ) from error
    _require_names_once(connection, dataset, file, name, rows.columns)
    return Part(rows, name, after)


def _with_keys(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, select: str, name: str, keys: Mapping[str, str | None]
) -> duckdb.DuckDBPyRelation:
    """The rows with a column for each key of their folders.

    Raises SourceError where a file has the column itself and a row of it has another value.
    """
    rows = connection.sql(select)
    if not keys:
        return rows
    own = {column.lower(): column for column in rows.columns}
    for column in dataset.columns:
        if column.name in keys and column.name in own:
            _require_equal(rows, column.type, own[column.name], keys[column.name], dataset, name)
    added = [
        f"{'null::varchar' if value is None else literal(value)} as {identifier(key)}"
        for key, value in keys.items()
        if key not in own
    ]
    return rows.project(", ".join(("*", *added)))


def _require_equal(
    rows: duckdb.DuckDBPyRelation, kind: str, column: str, value: str | None, dataset: Dataset, name: str
) -> None:
    cell, key = f"{identifier(column)}::varchar", "null::varchar" if value is None else literal(value)
    if kind not in ("VARCHAR", "VARCHAR[]", "JSON"):
        cell, key = f"try_cast({cell} as {kind})", f"try_cast({key} as {kind})"
    differing = rows.filter(f"{cell} is distinct from {key}").project(f"{identifier(column)}::varchar").fetchone()
    if differing is not None:
        raise SourceError(
            f"{dataset.name}: {name} lies in a folder {column}={value} and has a column {column} with {differing[0]} "
            "in it, and it is not clear which is meant. Rename the folder or drop the column; nothing was changed."
        )


def _require_names_once(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, file: str, name: str, columns: list[str]
) -> None:
    """Raise SourceError where a Parquet file has a column twice: DuckDB numbers the second one, as in `close_1`."""
    lower = {column.lower() for column in columns}
    if not any(column.rpartition("_")[0] in lower and column.rpartition("_")[2].isdigit() for column in lower):
        return
    fields = connection.execute(f"select name, coalesce(num_children, 0) from parquet_schema({file})").fetchall()
    seen: set[str] = set()
    # The schema is a tree in the order of its fields, the root first.
    place = 1
    while place < len(fields):
        column = fields[place][0].lower()
        if column in seen:
            raise SourceError(
                f"{dataset.name}: {name} names the column {fields[place][0]} twice, and it is not clear which is "
                "meant. Deliver the file with one of them; nothing was changed."
            )
        seen.add(column)
        n_open = 1
        while n_open:
            n_open += fields[place][1] - 1
            place += 1
