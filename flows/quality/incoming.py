"""Stored bytes parsed to typed rows: a temporary table of the rows as delivered, and one of them under the schema."""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from flows.datasets import SURPLUS, Column, Dataset
from flows.home.raw_store import Kept
from flows.quality.cells import INTEGERS, Cell, cell_of, moment_of
from flows.quality.delivered import deliver, place_of
from flows.quality.symbols import symbol_key, write_known_symbols
from flows.quoting import identifier, literal
from flows.sources.base import Source
from flows.sources.csv_file import unclosed
from flows.sources.declaration import Declaration, stored_declaration
from flows.timeframes import bar_length

# Columns in which every text is one, because a symbol may be NONE.
NAMES = ("symbol", "name")


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

    def place_of(self, connection: duckdb.DuckDBPyConnection, row_number: int) -> str:
        """The file of a delivered row, and the row's number in it, the first below a header being 1."""
        return place_of(connection, row_number)


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
    types = deliver(connection, source, dataset, kept, declaration)
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
    _require_closed_quotes(connection, dataset, types, declaration)
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
    )


def _type_of(dataset: Dataset, name: str) -> str:
    return next((column.type for column in dataset.columns if column.name == name), "VARCHAR")


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
            # In this order, because a cell that could be read need not be looked at again.
            given = _given(cell.sql, cell.kind)
            unparsed.append(f"case when {value} is null and {given} is not null then '{column.name}' end")
    if SURPLUS in cells:
        unparsed.append(f"case when {cells[SURPLUS].sql} is not null then '{SURPLUS}' end")
    if dataset.has_vendor:
        given = literal(vendor)
        own = f"given_text({cells['vendor'].sql}::varchar)" if "vendor" in cells else "null"
        typed.append(f"coalesce({own}, {given}) as vendor")
    select = (
        f"select row_number, {', '.join(typed)}, {symbol or 'null::varchar'} as stated_symbol, "
        f"{'known_bearers' if symbol else 'null::varchar'} as bearers, "
        f"list_filter([{', '.join(unparsed) or 'null::varchar'}], lambda name: name is not null) as unparsed "
        "from delivered" + (f" left join known_symbol on known_symbol = {symbol}" if symbol else "")
    )
    # In a select of its own, which computes each text once. A timeframe is one of a few words.
    texts = [column.name for column in dataset.columns if column.type == "VARCHAR" and column.name != "timeframe"]
    texts += ["vendor"] if dataset.has_vendor else []
    if texts:
        select = f"select * replace ({', '.join(f'shown({name}) as {name}' for name in texts)}) from ({select})"
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


def _given(delivered: str, kind: str) -> str:
    """What counts as a value: neither a text that means an empty cell nor a number that is none."""
    if kind == "VARCHAR":
        return f"given_text({delivered})"
    return f"nullif({delivered}, 'nan')" if kind in ("FLOAT", "DOUBLE") else delivered


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
            is_text = kind in ("VARCHAR", "JSON")
            return f"try_cast(given_text({delivered}::varchar) as json)" if is_text else f"to_json({delivered})"
        case _ if column.name in NAMES:
            return f"trimmed({delivered}::varchar)"
        case _:
            return f"given_text({delivered}::varchar)"


def _words(delivered: str, kind: str) -> str:
    if kind == "VARCHAR[]":
        return f"list_filter(list_transform({delivered}, lambda word: given_text(word)), lambda word: word is not null)"
    if kind.endswith(("]", ")")):
        return f"words_of(to_json({delivered})::varchar, ';')"
    delivered = f"{delivered}::varchar"
    # A file has one separator: a category may have a comma in it where another cell shows the semicolon.
    of_file = "over (partition by (select max(first_row) from delivered_file where first_row <= row_number))"
    plain = f"case when not regexp_matches({delivered}, '^\\s*[\\[({{]') then {delivered} end"
    separator = (
        f"case when bool_or(contains({plain}, ';')) {of_file} then ';' "
        f"when bool_or(contains({plain}, '|')) {of_file} then '|' else ',' end"
    )
    return f"words_of(given_text({delivered}), {separator})"


def _require_closed_quotes(
    connection: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    types: dict[str, tuple[str, str]],
    declaration: Declaration,
) -> None:
    """Raise SourceError where a cell of a CSV file runs over the end of its row, so that rows are lost in it.

    A quote that is opened and never closed ends at the next quote of the file, if the number of cells happens to fit.
    """
    swallowed = []
    for column in dataset.columns:
        name, kind = types.get(declaration.theirs.get(column.name, column.name), ("", ""))
        if kind != "VARCHAR" or column.type in ("VARCHAR[]", "JSON"):
            continue
        cell = identifier(name)
        # A text may have a line break in it, which another rule refuses; a row that was lost has separators too.
        swallowed.append(
            f"select row_number, {cell} as cell from delivered where regexp_matches({cell}, '(?s)\\n.*[,;|\\t]')"
            if column.type == "VARCHAR"
            else f"select row_number, {cell} as cell from delivered where contains({cell}, chr(10)) "
            "and row_number in (select row_number from incoming where len(unparsed) > 0)"
        )
    if not swallowed:
        return
    found = connection.execute(
        "select name, row_number - first_row + 1, cell "
        f"from ({' union all '.join(swallowed)}) inner join delivered_file "
        "on row_number between first_row and last_row "
        "where name is not null and not contains(lower(name), '.parquet') order by row_number limit 1"
    ).fetchone()
    if found is not None:
        raise unclosed(dataset, *found)


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
