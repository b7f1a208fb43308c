"""A question to the published file: answered as a table, or written out as CSV, JSON or Parquet while it is read."""

import csv
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TextIO

import duckdb
import pyarrow.parquet as pq
from rich.console import Console

from flows.config import Settings
from flows.errors import UsageError
from flows.quoting import literal
from flows.report.published import open_published
from flows.report.tables import print_line, print_rows

# More rows than one reads on a terminal.
ROWS_OF_A_TABLE = 1000
ROWS_AT_A_TIME = 65_536

SELECTS = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)


class Format(StrEnum):
    """The form of an answer."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def answer(
    console: Console, settings: Settings, sql: str, form: Format | None, limit: int | None, out: Path | None
) -> None:
    """Answer a select on the terminal, or into a file, whose name gives the form where none is named.

    Raises UsageError for what is no single select, what DuckDB refuses, and a file that cannot be written.
    """
    form = form or _form_of(out)
    if out is None and form is Format.PARQUET:
        raise UsageError("Parquet is written to a file: add --out FILE.parquet.")
    if out is not None and form is Format.TABLE:
        raise UsageError(f"A table is shown on the terminal: end {out} in .csv, .json or .parquet, or name a --format.")
    with open_published(settings) as file:
        _restrict(file, settings)
        try:
            cursor = _ask(file, sql)
            if form is Format.TABLE:
                _show(console, cursor, limit)
            elif out is None:
                WRITERS[form](cursor, limit, sys.stdout)
            else:
                _write(cursor, form, limit, out)
        except duckdb.Error as error:
            raise UsageError(f"{error}\nThe published file is read-only: ask it with a select.") from error


def _form_of(out: Path | None) -> Format:
    endings: dict[str, Format] = {f".{form}": form for form in Format}
    return endings.get(out.suffix.lower(), Format.TABLE) if out else Format.TABLE


def _restrict(file: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """A question reads no other file and no network, stays within the memory limit, and its moments are UTC."""
    file.execute("set TimeZone = 'UTC'")
    file.execute(f"set memory_limit = '{settings.memory_limit}'")
    file.execute(f"set threads = {settings.threads}")
    file.execute(f"set temp_directory = {literal(str(settings.home / 'spill'))}")
    file.execute("set enable_progress_bar = false")
    file.execute("set enable_external_access = false")
    file.execute("set lock_configuration = true")


def _ask(file: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyConnection:
    """Run one select; before it may come `set variable`, which the views of what was known then read."""
    *before, last = file.extract_statements(sql) or (None,)
    if last is None or last.type not in SELECTS:
        raise UsageError("The published file is read-only: ask it with a select.")
    for statement in before:
        # DuckDB makes two statements of a pivot: the first, without a text, names the columns.
        is_of_pivot = statement.type == duckdb.StatementType.CREATE and not statement.query
        if statement.type in SELECTS:
            raise UsageError("Ask one question at a time: there is more than one statement.")
        if not is_of_pivot and statement.type != duckdb.StatementType.SET:
            raise UsageError("The published file is read-only: ask it with a select.")
        file.execute(statement)
    return file.execute(last)


def _show(console: Console, cursor: duckdb.DuckDBPyConnection, limit: int | None) -> None:
    names = [column[0] for column in cursor.description or ()]
    shown = ROWS_OF_A_TABLE if limit is None else limit
    rows: Sequence[tuple[object, ...]] = cursor.fetchmany(shown) if shown else []
    print_rows(console, names, rows)
    if limit is None and cursor.fetchone() is not None:
        print_line(console, f"These are the first {shown:,} rows: add --limit N, or --out FILE.csv for all of them.")


def _write(cursor: duckdb.DuckDBPyConnection, form: Format, limit: int | None, out: Path) -> None:
    """Write a file beside the one named, which takes its place when it is whole."""
    partial = out.with_name(f".{out.name}.partial")
    try:
        if form is Format.PARQUET:
            _write_parquet(cursor, limit, partial)
        else:
            with partial.open("w", encoding="utf-8", newline="") as text:
                WRITERS[form](cursor, limit, text)
        os.replace(partial, out)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}.") from error
    finally:
        # Where the folder is missing, or is a file, there is nothing to remove.
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _write_csv(cursor: duckdb.DuckDBPyConnection, limit: int | None, text: TextIO) -> None:
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column[0] for column in cursor.description or ())
    writer.writerows(map(_csv_cell, row) for row in _rows(cursor, limit))


def _write_json(cursor: duckdb.DuckDBPyConnection, limit: int | None, text: TextIO) -> None:
    names = [column[0] for column in cursor.description or ()]
    separator = "[\n"
    for row in _rows(cursor, limit):
        text.write(separator + json.dumps(_json_value(dict(zip(names, row, strict=True))), ensure_ascii=False))
        separator = ",\n"
    text.write("[]\n" if separator == "[\n" else "\n]\n")


def _write_parquet(cursor: duckdb.DuckDBPyConnection, limit: int | None, path: Path) -> None:
    left = limit
    batches = cursor.to_arrow_reader(ROWS_AT_A_TIME)
    with pq.ParquetWriter(path, batches.schema, compression="zstd") as writer:
        for batch in batches:
            part = batch if left is None else batch.slice(0, left)
            writer.write_batch(part)
            left = None if left is None else left - part.num_rows
            if left == 0:
                return


WRITERS: dict[Format, Callable[[duckdb.DuckDBPyConnection, int | None, TextIO], None]] = {
    Format.CSV: _write_csv,
    Format.JSON: _write_json,
}


def _rows(cursor: duckdb.DuckDBPyConnection, limit: int | None) -> Iterator[tuple[object, ...]]:
    left = limit
    while some := cursor.fetchmany(ROWS_AT_A_TIME if left is None else min(left, ROWS_AT_A_TIME)):
        yield from some
        left = None if left is None else left - len(some)


def _csv_cell(value: object) -> object:
    """A cell: numbers whole, an empty cell for NULL, true and false as SQL has them, lists and structs as JSON."""
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(_json_value(value), ensure_ascii=False) if isinstance(value, list | dict) else value


def _json_value(value: object) -> object:
    """A value as JSON has it: moments and the like as text, null for what is no number."""
    if isinstance(value, dict):
        return {str(name): _json_value(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(one) for one in value]
    if isinstance(value, float | Decimal):
        return float(value) if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
