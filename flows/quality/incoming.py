"""Stored bytes parsed to typed rows: a temporary table of the rows as delivered, and one of them under the schema."""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from flows.datasets import SURPLUS, Column, Dataset
from flows.errors import SourceError
from flows.home.raw_store import Kept
from flows.quality.cells import INTEGERS, Cell, cell_of, literal, moment_of
from flows.quality.symbols import symbol_key, write_known_symbols
from flows.sources.base import Source
from flows.sources.declaration import Declaration, declared_dataset, stored_declaration
from flows.timeframes import bar_length


@dataclass(frozen=True)
class Incoming:
    """A dataset's rows in the temporary tables `delivered` and `incoming`, and what was noticed on the way."""

    dataset: Dataset
    missing_columns: tuple[str, ...]
    delivered_columns: tuple[str, ...]
    n_rows: int
    n_hidden: int
    has_known_at: bool
    declaration: Declaration
    source: Source
    kept: Kept

    def place_of(self, connection: duckdb.DuckDBPyConnection, row_number: int) -> str:
        """The file of a delivered row, and the row's number in it, the first below a header being 1."""
        names = self.kept.names or tuple(path.name for path in self.kept.paths)
        if len(names) == 1:
            return f"{names[0]}, row {row_number}"
        for path, name in zip(self.kept.paths, names, strict=True):
            rows = self.source.parse(connection, declared_dataset(self.dataset, self.declaration), [path])
            counted = rows.aggregate("count(*)").fetchone()
            assert counted is not None
            if row_number <= counted[0]:
                return f"{name}, row {row_number}"
            row_number -= counted[0]
        return f"row {row_number}"


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
    declaration = stored_declaration(kept.declaration)
    types = _deliver(connection, source, dataset, kept, declaration)
    cells = {
        name: found
        for name in (*dataset.column_names, "symbol", "vendor", SURPLUS)
        if (found := cell_of(name, _type_of(dataset, name), types, declaration)) is not None
    }
    has_ids = "token_id" in cells or "symbol" not in cells
    missing = tuple(
        column.name
        for column in dataset.columns
        if column.required and column.name not in cells and not (column.name == "token_id" and not has_ids)
    )
    write_known_symbols(connection)
    connection.execute(
        "create or replace temporary table incoming as " + _typed_select(dataset, cells, source.vendor, declaration)
    )
    connection.execute("create or replace temporary table hidden as from incoming limit 0")
    n_hidden = _hide_unknown(connection, dataset, as_of) if is_replay else 0
    return Incoming(
        dataset=dataset,
        missing_columns=missing,
        delivered_columns=tuple(name for name, _ in types.values()),
        n_rows=_count(connection, "incoming"),
        n_hidden=n_hidden,
        has_known_at=dataset.has_known_at and ("known_at" in cells or declaration.moment == "published"),
        declaration=declaration,
        source=source,
        kept=kept,
    )


def _type_of(dataset: Dataset, name: str) -> str:
    return next((column.type for column in dataset.columns if column.name == name), "VARCHAR")


def _deliver(
    connection: duckdb.DuckDBPyConnection, source: Source, dataset: Dataset, kept: Kept, declaration: Declaration
) -> dict[str, tuple[str, str]]:
    """Fill `delivered`; return each column's name as delivered and its type, by the name in lower case."""
    try:
        rows = _parsed(connection, source, declared_dataset(dataset, declaration), kept, declaration)
        rows.create_view("delivered_rows", replace=True)
        connection.execute(
            "create or replace temporary table delivered as "
            f"select row_number() over () as row_number, * from {_distinct(dataset, rows.columns, declaration)}"
        )
    except SourceError as error:
        raise SourceError(kept.in_their_names(str(error))) from error
    except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.IOException) as error:
        # Rows may be broken under a good header, which shows only when all are read.
        raise SourceError(
            f"{dataset.name}: {', '.join(kept.names)} cannot be read to its end: "
            f"{kept.in_their_names(str(error).splitlines()[0])} Deliver the whole file again; nothing was changed."
        ) from error
    types = {name.lower(): (name, str(kind)) for name, kind in zip(rows.columns, rows.types, strict=True)}
    absent = [theirs for theirs in declaration.columns if theirs not in types]
    if absent:
        delivered = ", ".join(name for name, _ in types.values())
        raise SourceError(
            f"{dataset.name}: trackrecord.toml names the column {absent[0]}; {', '.join(kept.names)} has none such, "
            f"but {delivered}. Correct [{dataset.name}.columns] and run again; nothing was changed."
        )
    return types


def _distinct(dataset: Dataset, columns: list[str], declaration: Declaration) -> str:
    """The view of the delivered rows; of tokens in a file of another dataset, each once."""
    if dataset.moment is not None or declaration.file is None:
        return "delivered_rows"
    names = set(declaration.as_delivered(dataset))
    own = ", ".join('"' + name.replace('"', '""') + '"' for name in columns if name.lower() in names)
    return f"(select distinct {own} from delivered_rows order by all)" if own else "delivered_rows"


def _parsed(
    connection: duckdb.DuckDBPyConnection, source: Source, dataset: Dataset, kept: Kept, declaration: Declaration
) -> duckdb.DuckDBPyRelation:
    """The rows as they came; those of files whose names hold values, with a column of each."""
    named = [declaration.named_in(name) for name in kept.names]
    if not any(named):
        return source.parse(connection, dataset, list(kept.paths))
    selects = []
    for number, (path, values) in enumerate(zip(kept.paths, named, strict=True)):
        source.parse(connection, dataset, [path]).create_view(f"delivered_part_{number}", replace=True)
        cells = ", ".join(f'{literal(text)} as "{column}"' for column, text in values.items())
        selects.append(f"select *, {cells} from delivered_part_{number}")
    return connection.sql(" union all by name ".join(selects))


def _typed_select(dataset: Dataset, cells: dict[str, Cell], vendor: str, declaration: Declaration) -> str:
    """The select of the rows under the schema.

    A moment off the grid of its timeframe is marked by `is_snapped`, and `stated_at` keeps it. Rows of a vendor then
    belong to a bar of ours; a bar of the market is what it is, and a rule refuses it.
    """
    typed, unparsed = [], []
    symbol = symbol_key(cells["symbol"].sql) if "symbol" in cells and "token_id" not in cells else None
    for column in dataset.columns:
        cell = cells.get(column.name)
        if column.name == "token_id" and symbol:
            typed.append("known_id as token_id")
            continue
        if cell is None:
            typed.append(f"null::{column.type} as {column.name}")
            continue
        value = _typed(column, cell, declaration)
        typed.append(f"{value} as {column.name}")
        if column.type not in ("VARCHAR", "VARCHAR[]"):
            given = _given(column, cell.sql, cell.kind)
            unparsed.append(f"case when {given} is not null and {value} is null then '{column.name}' end")
    if SURPLUS in cells:
        unparsed.append(f"case when {cells[SURPLUS].sql} is not null then '{SURPLUS}' end")
    if dataset.has_vendor:
        given = "'" + vendor.replace("'", "''") + "'"
        own = f"nullif(trim({cells['vendor'].sql}::varchar), '')" if "vendor" in cells else "null"
        typed.append(f"coalesce({own}, {given}) as vendor")
    select = (
        f"select row_number, {', '.join(typed)}, {symbol or 'null::varchar'} as stated_symbol, "
        f"{'known_bearers' if symbol else 'null::varchar'} as bearers, "
        f"list_filter([{', '.join(unparsed) or 'null::varchar'}], lambda name: name is not null) as unparsed "
        "from delivered" + (f" left join known_symbol on known_symbol = {symbol}" if symbol else "")
    )
    if dataset.moment is None:
        return f"select *, false as is_snapped, null::timestamp as stated_at from ({select})"
    return _on_grid(dataset, select, declaration)


def _on_grid(dataset: Dataset, select: str, declaration: Declaration) -> str:
    """The rows with their moment on the grid, where it is a vendor's.

    An off-grid moment is the start of a bar of the vendor's own: the row belongs to the first bar of ours that begins
    at or after it, so that nothing is entered before the vendor's bar had closed. A moment of publication belongs to
    the bar that contains it, and the row was known from then on.
    """
    moment, timeframe = dataset.moment, dataset.timeframe
    floor = f"bar_floor({timeframe}, {moment})"
    # Of every declared timeframe, because a restore reads deliveries of one that is out of use now.
    length = bar_length(timeframe)
    if not dataset.has_vendor:
        end = f"{moment} - {length}" if declaration.moment == "end" else moment
        return (
            f"select *, coalesce({moment} <> {floor}, false) as is_snapped, {moment} as stated_at "
            f"from (select * replace ({end} as {moment}) from ({select}))"
        )
    ceiling = f"case when {moment} = {floor} then {moment} else {floor} + {length} end"
    bar = floor if declaration.moment == "published" else ceiling
    known = f", coalesce(known_at, {moment}) as known_at" if declaration.moment == "published" else ""
    return (
        f"select * replace ({bar} as {moment}{known}), coalesce({moment} <> {floor}, false) as is_snapped, "
        f"{moment} as stated_at from ({select})"
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


def _typed(column: Column, cell: Cell, declaration: Declaration) -> str:
    delivered, kind = cell.sql, cell.kind
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
            return moment_of(cell, declaration.datetime_format.get(column.name, ()), declaration.timezone)
        case "VARCHAR[]":
            return _words(delivered, kind)
        case "JSON":
            return f"try_cast({delivered} as json)" if kind in ("VARCHAR", "JSON") else f"to_json({delivered})"
        case _:
            return f"nullif(trim({delivered}::varchar), '')"


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
