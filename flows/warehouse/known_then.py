"""A view and a macro for each table of vendor data, in the published file: its rows as they were known at a moment."""

import duckdb

from flows.datasets import DATASETS
from flows.quoting import literal

# A moment with a zone is turned to UTC whatever the reader's session has set; one without is in UTC already.
IN_UTC = (
    "case when typeof({moment}) = 'TIMESTAMP WITH TIME ZONE' "
    "then make_timestamp(epoch_us(try_cast({moment} as timestamptz))) else cast({moment} as timestamp) end"
)

KNOWN = "where known_from <= {moment} and (known_to > {moment} or known_to is null)"

NOT_SET = "No moment is set, so run first: set variable as_of = timestamp '2026-01-31 00:00:00' (in UTC)"


def create_known_then(file: duckdb.DuckDBPyConnection) -> None:
    """Create `core.<table>_then` and `core.<table>_as_of` in a file with the tables of vendor data.

    The views read the moment from the variable `as_of` and belong to their own file under whatever name it is
    attached. A macro cannot: DuckDB binds its tables in the file that is in use, so it takes a file's name as well.
    """
    variable = IN_UTC.format(moment="getvariable('as_of')")
    known = KNOWN.format(moment=f"coalesce({variable}, error({literal(NOT_SET)})::timestamp)")
    argument = KNOWN.format(moment=IN_UTC.format(moment="moment"))
    for name in (dataset.as_of_table for dataset in DATASETS.values()):
        schema, table = name.split(".")
        # Without a schema in its text, the view binds to the schema that it lies in, and so to its own file.
        file.execute(f"set search_path = '{schema}'")
        file.execute(f"create view {name}_then as select * from {table} {known}")
        file.execute("set search_path = ''")
        file.execute(
            f"create macro {name}_as_of(moment) as table (select * from {name} {argument}), "
            f"(file, moment) as table (select * from "
            f"""query_table('"' || replace(file, '"', '""') || '".{name}') {argument})"""
        )
        comment = (
            f"Rows of {name} as they were known at a moment (UTC). {table}_as_of(moment) reads the file in use, "
            f"{table}_as_of(file, moment) the one attached under that name, as the view {table}_then of each file does."
        )
        file.execute(f"comment on macro table {name}_as_of is {literal(comment)}")
