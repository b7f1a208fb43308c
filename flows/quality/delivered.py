"""The rows of a dataset as they came, part after part, in the temporary table `delivered`; and which file each is of.

Parts of one dataset may differ in their columns and types: one file has moments as text and the next as integers. A
column of differing types is stored in one that loses nothing of either.
"""

from collections.abc import Sequence

import duckdb

from flows.datasets import Dataset
from flows.errors import SourceError, WarehouseError
from flows.home.raw_store import Kept
from flows.quality.cells import INTEGERS, NUMBERS
from flows.quoting import identifier, literal
from flows.sources.base import Part, Source
from flows.sources.csv_file import reason_of
from flows.sources.declaration import Declaration, declared_dataset
from flows.sources.folder import day_of

FLOATS = {"FLOAT", "DOUBLE"}
# What DuckDB raises over a file that is not as it should be.
FAULTS_OF_FILES = (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.IOException)

ROW_NUMBER = "row_number"
MOMENTS = {"DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}


def deliver(
    connection: duckdb.DuckDBPyConnection, source: Source, dataset: Dataset, kept: Kept, declaration: Declaration
) -> dict[str, tuple[str, str]]:
    """Fill `delivered`; return each column's name as delivered and its type, by the name in lower case.

    Leaves the temporary table `delivered_file(first_row, last_row, name, written_on)` beside it, a row a file, in the
    order in which the files were written. Raises SourceError, naming the file, where one cannot be read.
    """
    try:
        parts = source.parse(connection, declared_dataset(dataset, declaration), kept)
        _fill(connection, [_with_names_values(part, declaration) for part in parts], _with_comma(dataset, declaration))
        _keep_tokens_once(connection, dataset, declaration)
    except SourceError as error:
        raise SourceError(kept.in_their_names(str(error))) from error
    except duckdb.OutOfMemoryException as error:
        raise WarehouseError(
            f"{dataset.name}: {len(kept.paths)} files of {kept.n_bytes / 1e6:,.0f} MB need more memory than "
            "TRACKRECORD_MEMORY_LIMIT allows. Raise it (1GB, 2GB) and run again; nothing was changed."
        ) from error
    except FAULTS_OF_FILES as error:
        if _is_of_the_disk(error):
            raise
        # Rows may be broken under a good header, which shows only when all are read.
        raise SourceError(
            f"{dataset.name}: {', '.join(kept.names)} cannot be read to its end: "
            f"{kept.in_their_names(reason_of(error))} Deliver the whole file again; nothing was changed."
        ) from error
    table = connection.table("delivered")
    types = {
        name.lower(): (name, str(kind))
        for name, kind in zip(table.columns, table.types, strict=True)
        if name != ROW_NUMBER
    }
    absent = [theirs for theirs in declaration.columns if theirs not in types]
    if absent:
        delivered = ", ".join(name for name, _ in types.values())
        raise SourceError(
            f"{dataset.name}: trackrecord.toml names the column {absent[0]}; {', '.join(kept.names)} has none such, "
            f"but {delivered}. Correct [{dataset.name}.columns] and run again; nothing was changed."
        )
    return types


def _with_comma(dataset: Dataset, declaration: Declaration) -> frozenset[str]:
    """The columns of numbers, by their name in lower case, whose text is read with a decimal comma."""
    if declaration.decimal != ",":
        return frozenset()
    return frozenset(
        declaration.theirs.get(column.name, column.name) for column in dataset.columns if column.type in NUMBERS
    )


def _with_names_values(part: Part, declaration: Declaration) -> Part:
    """A part with a column of each value that its file's name holds."""
    values = declaration.named_in(part.name) if part.name else {}
    if not values:
        return part
    cells = ", ".join(("*", *(f"{literal(text)} as {identifier(column)}" for column, text in values.items())))
    after = part.after
    return Part(part.rows.project(cells), part.name, after and (lambda error: after(error).project(cells)))


def _keep_tokens_once(connection: duckdb.DuckDBPyConnection, dataset: Dataset, declaration: Declaration) -> None:
    """Of tokens in a file of another dataset, keep each once."""
    if dataset.moment is not None or declaration.file is None:
        return
    names = set(declaration.as_delivered(dataset))
    own = ", ".join(identifier(name) for name in connection.table("delivered").columns if name.lower() in names)
    if own:
        connection.execute(
            "create or replace temporary table delivered as select row_number() over () as row_number, * "
            f"from (select distinct {own} from delivered order by all)"
        )
        # A row stands for several of the file.
        connection.execute("update delivered_file set name = null")


def place_of(connection: duckdb.DuckDBPyConnection, row_number: int) -> str:
    """The file of a delivered row, and the row's number in it, the first below a header being 1."""
    row = connection.execute(
        "select name, $row - first_row + 1 from delivered_file where $row between first_row and last_row",
        {"row": row_number},
    ).fetchone()
    if row is None or row[0] is None:
        return f"row {row_number}"
    return f"{row[0]}, row {row[1]}"


def _is_of_the_disk(error: duckdb.Error) -> bool:
    """Whether rows could not be stored, which is no fault of the file that they are in."""
    return any(sign in str(error) for sign in ("write", "No space left", "create directory"))


def _fill(connection: duckdb.DuckDBPyConnection, parts: Sequence[Part], with_comma: frozenset[str]) -> None:
    columns = _columns(parts)
    fields = ", ".join(f"{identifier(name)} {kind}" for name, kind in columns.values())
    connection.execute(f"create or replace temporary table delivered (row_number bigint, {fields})")
    connection.execute(
        "create or replace temporary table delivered_file "
        "(first_row bigint, last_row bigint, name varchar, written_on date)"
    )
    n_rows = 0
    for part in parts:
        try:
            n_new = _append(connection, columns, part.rows, n_rows, with_comma)
        except FAULTS_OF_FILES as error:
            if part.after is None or _is_of_the_disk(error):
                raise
            n_new = _append(connection, columns, part.after(error), n_rows, with_comma)
        connection.execute(
            "insert into delivered_file values (?, ?, ?, ?)",
            [n_rows + 1, n_rows + n_new, part.name, day_of(part.name) if part.name else None],
        )
        n_rows += n_new


def _append(
    connection: duckdb.DuckDBPyConnection,
    columns: dict[str, tuple[str, str]],
    rows: duckdb.DuckDBPyRelation,
    n_before: int,
    with_comma: frozenset[str],
) -> int:
    """Append rows, numbered on from those before; return how many."""
    for name, kind in zip(rows.columns, rows.types, strict=True):
        if name.lower() not in columns:
            columns[name.lower()] = (name, str(kind))
            connection.execute(f"alter table delivered add column {identifier(name)} {kind}")
    cells = [
        f"{_cast(identifier(name), str(kind), columns[name.lower()][1], has_comma=name.lower() in with_comma)} "
        f"as {identifier(columns[name.lower()][0])}"
        for name, kind in zip(rows.columns, rows.types, strict=True)
    ]
    rows.create_view("delivered_part", replace=True)
    inserted = connection.execute(
        f"insert into delivered by name select row_number() over () + {n_before} as row_number, {', '.join(cells)} "
        "from delivered_part"
    ).fetchone()
    assert inserted is not None
    return int(inserted[0])


def _columns(parts: Sequence[Part]) -> dict[str, tuple[str, str]]:
    """The columns of all parts by their names in lower case: the first spelling, and a type that loses nothing."""
    names: dict[str, str] = {}
    kinds: dict[str, set[str]] = {}
    for part in parts:
        for name, kind in zip(part.rows.columns, part.rows.types, strict=True):
            # The number of a row is ours; a column of that name keeps its values under another.
            names.setdefault(name.lower(), f"{name} as delivered" if name.lower() == ROW_NUMBER else name)
            kinds.setdefault(name.lower(), set()).add(str(kind))
    return {lower: (name, _common(kinds[lower])) for lower, name in names.items()}


def _common(kinds: set[str]) -> str:
    """One type for a column that comes in these: their own where it is one, else a wider one, else text."""
    if kinds <= INTEGERS and len(kinds) > 1:
        return "HUGEINT"
    if kinds <= FLOATS:
        return "DOUBLE"
    if kinds <= MOMENTS and len(kinds) > 1:
        return "TIMESTAMP"
    return next(iter(kinds)) if len(kinds) == 1 and kinds != {"BLOB"} else "VARCHAR"


def _cast(cell: str, kind: str, common: str, *, has_comma: bool) -> str:
    if kind == common:
        return cell
    if common == "VARCHAR" and has_comma and (kind in FLOATS or kind.startswith("DECIMAL")):
        # Beside texts with a decimal comma the point of a number would be taken for a mark of thousands.
        return f"replace({cell}::varchar, '.', ',')"
    if kind == "FLOAT":
        # The number that was written: 0.1 in four bytes is 0.10000000149 in eight.
        return f"{cell}::varchar::{common}"
    if kind == "BLOB":
        # Text, as older writers of Parquet mark it.
        return f"coalesce(try(decode({cell})), {cell}::varchar)"
    if common == "VARCHAR" and kind.endswith(("]", ")")) and not kind.startswith("DECIMAL"):
        return f"to_json({cell})::varchar"
    return f"{cell}::{common}"
