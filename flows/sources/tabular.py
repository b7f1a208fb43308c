"""Reading Parquet and CSV bodies as they came: every column, nothing cast that may lose something."""

import csv
from pathlib import Path

import duckdb

from flows.datasets import SURPLUS, Dataset
from flows.errors import SourceError

DELIMITERS = (",", ";", "\t", "|")


def read_tables(connection: duckdb.DuckDBPyConnection, dataset: Dataset, kept: list[Path]) -> duckdb.DuckDBPyRelation:
    """Read all files of one dataset into one relation, columns matched by name.

    CSV cells stay text: what a cell means is decided once, by the schema, not by a sniffer that has seen the first
    rows. Raises SourceError, naming the file, where one cannot be read.
    """
    selects = [_select(connection, dataset, path) for path in kept]
    if len(selects) > 1:
        selects = _lists_as_text(connection, selects)
    return connection.sql(" union all by name ".join(selects))


def _lists_as_text(connection: duckdb.DuckDBPyConnection, selects: list[str]) -> list[str]:
    """Where one file lists what another writes as text, write both as text: a union has one type a column."""
    tables = [connection.sql(select) for select in selects]
    kinds = [dict(zip(table.columns, map(str, table.types), strict=True)) for table in tables]
    texts = {name.lower() for of_table in kinds for name, kind in of_table.items() if kind == "VARCHAR"}
    written = []
    for select, of_table in zip(selects, kinds, strict=True):
        lists = [name for name, kind in of_table.items() if kind.endswith("]") and name.lower() in texts]
        cells = ", ".join(f"array_to_string({_quoted(name)}, ';') as {_quoted(name)}" for name in lists)
        written.append(f"select * replace ({cells}) from ({select})" if cells else select)
    return written


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _select(connection: duckdb.DuckDBPyConnection, dataset: Dataset, path: Path) -> str:
    quoted = str(path).replace("'", "''")
    if path.suffix == ".csv":
        return _select_csv(connection, dataset, path, quoted)
    select = f"select * from read_parquet('{quoted}')"
    try:
        connection.sql(select).limit(1).fetchall()
    except duckdb.Error as error:
        raise _unreadable(dataset, path, error) from error
    return select


def _select_csv(connection: duckdb.DuckDBPyConnection, dataset: Dataset, path: Path, quoted: str) -> str:
    """The select of one CSV file, once read to its end: a quote too many hides all the rows that follow it."""
    numbers = {column.name for column in dataset.columns if column.type not in ("VARCHAR", "VARCHAR[]", "JSON")}
    names = [
        name for name in _split(_header(path, dataset), _delimiter(path, dataset)) if name.strip().lower() in numbers
    ]
    broken = " or ".join(f"contains({_identifier(name.strip())}, chr(10))" for name in names) or "false"
    read = (
        f"from read_csv('{quoted}', header = true, all_varchar = true, auto_detect = false, "
        f"delim = '{_delimiter(path, dataset)}', quote = '\"', escape = '\"', null_padding = true, "
        f"columns = {_header_columns(path, dataset)}, strict_mode = false)"
    )
    try:
        found = connection.execute(
            f"select count({_identifier(SURPLUS)}), count(*) filter (where {broken}) {read}"
        ).fetchone()
    except duckdb.Error as error:
        raise _unreadable(dataset, path, error) from error
    assert found is not None
    if found[1]:
        raise SourceError(
            f"{dataset.name}: {path.name} has a quote that is opened and not closed: {found[1]} cells of "
            f"{', '.join(names)} run over the end of their line, and rows are lost in them. Close it and deliver "
            "again; nothing was changed."
        )
    return f"select * {read}" if found[0] else f"select * exclude ({_identifier(SURPLUS)}) {read}"


def _unreadable(dataset: Dataset, path: Path, error: duckdb.Error) -> SourceError:
    return SourceError(
        f"{dataset.name}: {path.name} cannot be read as {path.suffix[1:]}: "
        f"{str(error).splitlines()[0]} Deliver the whole file again; nothing was changed."
    )


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _header(path: Path, dataset: Dataset) -> str:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline().strip("\r\n")
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{dataset.name}: {path.name} is not UTF-8 ({error}). Save it as UTF-8 and run again."
        ) from error
    if not header:
        raise SourceError(
            f"{dataset.name}: {path.name} is empty; it lacks even a header. Deliver it again; nothing was changed."
        )
    return header


def _split(header: str, delimiter: str) -> list[str]:
    return next(csv.reader([header], delimiter=delimiter), [])


def _delimiter(path: Path, dataset: Dataset) -> str:
    """The delimiter under which the header names most of the dataset's columns."""
    header = _header(path, dataset)

    def n_known(delimiter: str) -> int:
        return len({name.strip().lower() for name in _split(header, delimiter)} & set(dataset.column_names))

    return max(DELIMITERS, key=n_known)


def _header_columns(path: Path, dataset: Dataset) -> str:
    """The columns as DuckDB asks for them; one without a name, as pandas writes its index, is given one.

    Raises SourceError where a name comes twice.
    """
    names = [name.strip() for name in _split(_header(path, dataset), _delimiter(path, dataset))]
    names = [name or f"unnamed {place}" for place, name in enumerate(names, start=1)]
    seen = [name.lower() for name in names]
    twice = [name for place, name in enumerate(names) if name.lower() in seen[:place]]
    if twice:
        raise SourceError(
            f"{dataset.name}: {path.name} names the column {twice[0]} twice, and nothing tells which is meant. "
            "Deliver the file with one of them; nothing was changed."
        )
    # A row with more cells than the header would lose them without a word: here they show, in a column of their own.
    names = [*names, SURPLUS]
    fields = ", ".join(f"'{name.replace(chr(39), chr(39) * 2)}': 'VARCHAR'" for name in names)
    return "{" + fields + "}"
