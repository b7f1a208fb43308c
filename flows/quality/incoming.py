"""Stored bytes parsed to typed rows: a temporary table of the rows as delivered, and one of them under the schema."""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from flows.datasets import SURPLUS, Column, Dataset
from flows.home.raw_store import Kept
from flows.quality.delivered import INTEGERS, deliver
from flows.sources.base import Source
from flows.sources.csv_file import unclosed

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
    types = deliver(connection, source, dataset, kept)
    missing = tuple(column.name for column in dataset.columns if column.required and column.name not in types)
    connection.execute("create or replace temporary table incoming as " + _typed_select(dataset, types, source.vendor))
    _require_closed_quotes(connection, dataset, types)
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
            # In this order, because a cell that could be read need not be looked at again.
            unparsed.append(
                f"case when {_typed(column, delivered, kind)} is null and {_given(delivered, kind)} is not null "
                f"then '{column.name}' end"
            )
    if SURPLUS in types:
        unparsed.append(f"case when \"{SURPLUS}\" is not null then '{SURPLUS}' end")
    if dataset.has_vendor:
        name, kind = types.get("vendor", ("", ""))
        given = "'" + vendor.replace("'", "''") + "'"
        cells.append((f'coalesce(given_text("{name}"::varchar), {given})' if name else given) + " as vendor")
    typed = (
        f"select row_number, {', '.join(cells)}, "
        f"list_filter([{', '.join(unparsed) or 'null::varchar'}], lambda name: name is not null) as unparsed "
        "from delivered"
    )
    # In a select of its own, which computes each text once. A timeframe is one of a few words.
    texts = [column.name for column in dataset.columns if column.type == "VARCHAR" and column.name != "timeframe"]
    texts += ["vendor"] if dataset.has_vendor else []
    if texts:
        typed = f"select * replace ({', '.join(f'shown({name}) as {name}' for name in texts)}) from ({typed})"
    if dataset.moment is None:
        return f"select *, false as is_snapped from ({typed})"
    grid = f"bar_floor({dataset.timeframe}, {dataset.moment})"
    return (
        f"select * replace ({grid} as {dataset.moment}), "
        f"coalesce({dataset.moment} <> {grid}, false) as is_snapped from ({typed})"
    )


def _given(delivered: str, kind: str) -> str:
    """What counts as a value: neither a text that means an empty cell nor a number that is none."""
    if kind == "VARCHAR":
        return f"given_text({delivered})"
    return f"nullif({delivered}, 'nan')" if kind in ("FLOAT", "DOUBLE") else delivered


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
            is_text = kind in ("VARCHAR", "JSON")
            return f"try_cast(given_text({delivered}::varchar) as json)" if is_text else f"to_json({delivered})"
        case _ if column.name in NAMES:
            return f"trimmed({delivered}::varchar)"
        case _:
            return f"given_text({delivered}::varchar)"


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
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, types: dict[str, tuple[str, str]]
) -> None:
    """Raise SourceError where a cell of a CSV file runs over the end of its row, so that rows are lost in it.

    A quote that is opened and never closed ends at the next quote of the file, if the number of cells happens to fit.
    """
    swallowed = []
    for column in dataset.columns:
        name, kind = types.get(column.name, ("", ""))
        if kind != "VARCHAR" or column.type in ("VARCHAR[]", "JSON"):
            continue
        cell = '"' + name.replace('"', '""') + '"'
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
