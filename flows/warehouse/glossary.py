"""Comments on everything public, from the models' headers and one glossary: one name, one meaning, one unit."""

import re
import tomllib
from itertools import takewhile

import duckdb

from flows.config import SQL_DIR
from flows.errors import WarehouseError
from flows.quoting import literal
from flows.scorecards.measures import read_measures
from flows.timeframes import TIMEFRAMES
from flows.warehouse.models import HEADER_WORD

GLOSSARY = SQL_DIR / "columns.toml"
THEN = "_then"


def write_comments(file: duckdb.DuckDBPyConnection) -> None:
    """Comment every table, view and column of the public schemas.

    Raises WarehouseError for a table or column that nobody has described.
    """
    words = tomllib.loads(GLOSSARY.read_text(encoding="utf-8"))
    rows = file.execute(
        """
        select schema_name, table_name, list(column_name order by column_index)
        from duckdb_columns()
        where schema_name in ('core', 'marts', 'ops') and not internal and database_name = current_database()
        group by all
        order by all
        """
    ).fetchall()
    (views,) = zip(*file.execute("select view_name from duckdb_views() where not internal").fetchall(), strict=True)
    statements = []
    for schema, table, columns in rows:
        name = f"{schema}.{table}"
        kind = "view" if table in views else "table"
        statements.append(f"comment on {kind} {name} is {literal(_describe_table(words, schema, table))}")
        for column in columns:
            text = _describe_column(words, name, column)
            statements.append(f"comment on column {name}.{column} is {literal(text)}")
    file.execute(";\n".join(statements))


def _describe_table(words: dict[str, dict[str, str]], schema: str, table: str) -> str:
    if table.endswith(THEN):
        base = _read_then(f"{schema}.{table}")
        return (
            f"{base} as it was known at the moment (UTC) of the variable `as_of`: set variable as_of = timestamp '…'."
        )
    text = words["tables"].get(f"{schema}.{table}")
    if text is not None:
        return text
    names = [table, *(table.replace(name, "{timeframe}") for name in TIMEFRAMES)]
    path = next((path for name in names for path in (SQL_DIR / schema).rglob(f"{name}.sql")), None)
    if path is None:
        raise WarehouseError(f"{schema}.{table} is public and described neither by a model nor in {GLOSSARY}.")
    header = takewhile(lambda line: line.startswith("-- "), path.read_text(encoding="utf-8").splitlines())
    # The other header lines are about how the table is built, which its readers need not know.
    return " ".join(line[3:] for line in header if line.startswith("-- Grain: ") or not HEADER_WORD.match(line))


def _describe_column(words: dict[str, dict[str, str]], table: str, column: str) -> str:
    columns = words["columns"]
    table = _read_then(table)
    text = words["special"].get(f"{table}.{column}") or _measure_texts(table).get(column) or columns.get(column)
    if text is not None:
        return text
    # A wide column such as exit_price_7: the text for exit_price, with the horizon.
    at_horizon = re.fullmatch(r"(.+)_(\d+)", column)
    if at_horizon and at_horizon[1] in columns:
        return f"{columns[at_horizon[1]]} At a horizon of {at_horizon[2]} bars."
    raise WarehouseError(f"{table}.{column} is public and not described. Add it to {GLOSSARY}.")


def _read_then(view: str) -> str:
    """The table that a view of what was known then reads; another table is itself."""
    return view.removesuffix(THEN)


def _measure_texts(table: str) -> dict[str, str]:
    """The texts of the measures that stand in a table."""
    every = [read_measures(path) for path in sorted((SQL_DIR / "measures").glob("*.toml"))]
    return {one.name: one.text for measures in every if table in measures.tables for one in measures.columns}
