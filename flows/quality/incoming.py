"""Stored bytes parsed to typed rows: a temporary table of the rows as delivered, and one of them under the schema."""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from flows.datasets import SURPLUS, Column, Dataset
from flows.errors import SourceError
from flows.home.raw_store import Kept
from flows.sources.base import Source

INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}


@dataclass(frozen=True)
class Incoming:
    """A dataset's rows in the temporary tables `delivered` and `incoming`, and what was noticed on the way."""

    dataset: Dataset
    missing_columns: tuple[str, ...]
    delivered_columns: tuple[str, ...]
    n_rows: int
    n_hidden: int
    has_known_at: bool


def read_incoming(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    dataset: Dataset,
    kept: Kept,
    *,
    as_of: datetime,
    is_replay: bool,
) -> Incoming:
    """Parse kept bytes into the temporary tables `delivered` (as they came) and `incoming` (under the schema).

    A cell that does not fit its type becomes NULL in `incoming` and its column's name goes into `unparsed`. In a
    replay the rows that the source did not hold at `as_of` are moved to `hidden` and counted. Raises SourceError where
    the bytes cannot be read at all.
    """
    types = _deliver(connection, source, dataset, kept)
    missing = tuple(column.name for column in dataset.columns if column.required and column.name not in types)
    connection.execute("create or replace temporary table incoming as " + _typed_select(dataset, types, source.vendor))
    connection.execute("create or replace temporary table hidden as from incoming limit 0")
    n_hidden = _hide_unknown(connection, dataset, as_of) if is_replay else 0
    return Incoming(
        dataset=dataset,
        missing_columns=missing,
        delivered_columns=tuple(name for name, _ in types.values()),
        n_rows=_count(connection, "incoming"),
        n_hidden=n_hidden,
        has_known_at="known_at" in types,
    )


def _deliver(
    connection: duckdb.DuckDBPyConnection, source: Source, dataset: Dataset, kept: Kept
) -> dict[str, tuple[str, str]]:
    """Fill `delivered`; return each column's name as delivered and its type, by the name in lower case."""
    try:
        rows = source.parse(connection, dataset, list(kept.paths))
        rows.create_view("delivered_rows", replace=True)
        connection.execute(
            "create or replace temporary table delivered as "
            "select row_number() over () as row_number, * from delivered_rows"
        )
    except SourceError as error:
        raise SourceError(kept.in_their_names(str(error))) from error
    except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.IOException) as error:
        # Rows may be broken under a good header, which shows only when all are read.
        raise SourceError(
            f"{dataset.name}: {', '.join(kept.names)} cannot be read to its end: "
            f"{kept.in_their_names(str(error).splitlines()[0])} Deliver the whole file again; nothing was changed."
        ) from error
    return {name.lower(): (name, str(kind)) for name, kind in zip(rows.columns, rows.types, strict=True)}


def _typed_select(dataset: Dataset, types: dict[str, tuple[str, str]], vendor: str) -> str:
    """The select of the rows under the schema. The moment is snapped down to its grid, and `is_snapped` marks it."""
    cells, unparsed = [], []
    for column in dataset.columns:
        if column.name not in types:
            cells.append(f"null::{column.type} as {column.name}")
            continue
        name, kind = types[column.name]
        delivered = '"' + name.replace('"', '""') + '"'
        cells.append(f"{_typed(column, delivered, kind)} as {column.name}")
        if column.type not in ("VARCHAR", "VARCHAR[]"):
            given = _given(column, delivered, kind)
            unparsed.append(
                f"case when {given} is not null and {_typed(column, delivered, kind)} is null then '{column.name}' end"
            )
    if SURPLUS in types:
        unparsed.append(f"case when \"{SURPLUS}\" is not null then '{SURPLUS}' end")
    if dataset.has_vendor:
        name, kind = types.get("vendor", ("", ""))
        given = "'" + vendor.replace("'", "''") + "'"
        cells.append((f"coalesce(nullif(trim(\"{name}\"::varchar), ''), {given})" if name else given) + " as vendor")
    typed = (
        f"select row_number, {', '.join(cells)}, "
        f"list_filter([{', '.join(unparsed) or 'null::varchar'}], lambda name: name is not null) as unparsed "
        "from delivered"
    )
    if dataset.moment is None:
        return f"select *, false as is_snapped from ({typed})"
    grid = f"bar_floor({dataset.timeframe}, {dataset.moment})"
    return (
        f"select * replace ({grid} as {dataset.moment}), "
        f"coalesce({dataset.moment} <> {grid}, false) as is_snapped from ({typed})"
    )


def _given(column: Column, delivered: str, kind: str) -> str:
    """What counts as a value: a NaN in a column of numbers that may be empty is an empty cell, as text as well."""
    is_optional_number = column.type in ("DOUBLE", "BIGINT", "INTEGER") and not column.required
    if kind == "VARCHAR":
        text = f"nullif(trim({delivered}), '')"
        return f"case when lower({text}) <> 'nan' then {text} end" if is_optional_number else text
    if kind in ("FLOAT", "DOUBLE") and not column.required:
        return f"case when not isnan({delivered}) then {delivered} end"
    return delivered


def _typed(column: Column, delivered: str, kind: str) -> str:
    match column.type:
        case "BIGINT" | "INTEGER":
            if kind in INTEGERS:
                return f"try_cast({delivered} as {column.type})"
            # A cast alone would round 1.5 to 2; a double alone would take two ids beyond 2^53 for one.
            number = f"try_cast({delivered} as double)"
            whole = f"case when {number} = trunc({number}) then {number} end"
            if kind == "VARCHAR":
                digits = f"case when regexp_full_match(trim({delivered}), '[+-]?[0-9]+') then trim({delivered}) end"
                return f"coalesce(try_cast({digits} as {column.type}), try_cast({whole} as {column.type}))"
            return f"try_cast({whole} as {column.type})"
        case "DOUBLE":
            number = f"try_cast({delivered} as double)"
            return number if column.required else f"case when not isnan({number}) then {number} end"
        case "TIMESTAMP":
            return _moment(delivered, kind)
        case "VARCHAR[]":
            return _words(delivered, kind)
        case "JSON":
            return f"try_cast({delivered} as json)" if kind in ("VARCHAR", "JSON") else f"to_json({delivered})"
        case _:
            return f"nullif(trim({delivered}::varchar), '')"


def _moment(delivered: str, kind: str) -> str:
    """UTC without a zone. DuckDB's own cast from text drops an offset, so text goes through a zoned timestamp."""
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"make_timestamp(epoch_us({delivered}))"
    if kind == "VARCHAR":
        return f"make_timestamp(epoch_us(try_cast(trim({delivered}) as timestamptz)))"
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return f"{delivered}::timestamp"
    return "null::timestamp"


def _words(delivered: str, kind: str) -> str:
    if kind.endswith("[]"):
        return f"{delivered}::varchar[]"
    split = f"list_transform(string_split({delivered}::varchar, ';'), lambda word: trim(word))"
    return f"list_filter({split}, lambda word: word <> '')"


def _hide_unknown(connection: duckdb.DuckDBPyConnection, dataset: Dataset, as_of: datetime) -> int:
    """Move rows to `hidden` that were not known at `as_of`: by `known_at`, or, without one, by the end of their bar."""
    if dataset.moment is None:
        return 0
    bar_end = f"{dataset.moment} + {dataset.bar}"
    known = f"coalesce(known_at, {bar_end})" if dataset.has_known_at else bar_end
    connection.execute(f"insert into hidden from incoming where {known} > $as_of", {"as_of": as_of})
    connection.execute(f"delete from incoming where {known} > $as_of", {"as_of": as_of})
    return _count(connection, "hidden")


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"select count(*) from {table}").fetchone()
    assert row is not None
    return int(row[0])
