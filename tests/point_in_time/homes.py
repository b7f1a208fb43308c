"""Homes that take in folders at chosen moments, and fingerprints of their tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb

from flows.config import SQL_DIR, Settings
from flows.run import Run, start_run
from flows.sources.files import FilesSource
from flows.warehouse.build import BuildReport, build
from flows.warehouse.connection import prepare
from tests.product import build_anew, make_run, snapshot_without_gate

FUNNEL_ADDS_UP = (SQL_DIR / "checks" / "funnel_adds_up.sql").read_text(encoding="utf-8")


class Home:
    """A warehouse in memory; folders pass through all steps but the gate's rules."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
        self.connection = connection
        self.settings = settings

    def replay(self, folder: Path, as_of: datetime, *, is_full: bool = False) -> BuildReport:
        """Run over a folder with `--as-of`: it sees the rows of that moment."""
        return self._run(start_run(FilesSource(folder), self.settings, as_of=as_of), is_full=is_full)

    def receive(self, folder: Path, now: datetime, *, is_full: bool = False) -> BuildReport:
        """Run over a folder as if it were `now`: it sees all rows of the folder."""
        return self._run(make_run(folder, self.settings, as_of=now), is_full=is_full)

    def snapshot(self, folder: Path, now: datetime) -> None:
        """Append a folder's snapshots without a build, like a run that dies in between."""
        snapshot_without_gate(self.connection, make_run(folder, self.settings, as_of=now))

    def rebuild(self, as_of: datetime, *, is_full: bool = False) -> BuildReport:
        """Build as of a moment, from the snapshots in the warehouse."""
        if is_full:
            self.connection.execute("delete from ops.build")
        return build(self.connection, self.settings, as_of=as_of, run_id="a rebuild")

    def fingerprints(self, *schemas: str, without: frozenset[str] = frozenset()) -> dict[str, str]:
        """Checksums of the tables of some schemas, by default `core` and `marts`."""
        return fingerprints(self.connection, *(schemas or ("core", "marts")), without=without)

    def count(self, table: str) -> int:
        row = self.connection.execute(f"select count(*) from {table}").fetchone()
        assert row is not None
        return int(row[0])

    def _run(self, run: Run, *, is_full: bool) -> BuildReport:
        snapshot_without_gate(self.connection, run)
        report = (
            build_anew(self.connection, run)
            if is_full
            else build(self.connection, run.settings, as_of=run.as_of, run_id=run.run_id)
        )
        # Whatever a market holds, the funnel of every vendor and timeframe adds up.
        assert self.connection.execute(FUNNEL_ADDS_UP).fetchall() == []
        return report


@contextmanager
def new_home(folder: Path, **settings: object) -> Iterator[Home]:
    """An empty home; its raw files go into `folder`."""
    values = Settings(home=folder, _env_file=None, **settings)  # type: ignore[arg-type,call-arg]
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        prepare(connection, values)
        yield Home(connection, values)


def fingerprints(
    connection: duckdb.DuckDBPyConnection,
    *schemas: str,
    without: frozenset[str] = frozenset(),
    is_stored: bool = False,
) -> dict[str, str]:
    """For each table the number of its rows and a checksum of its sorted rows, every column, floats bit for bit.

    In a stored file the sign of a zero does not count, because DuckDB's compression merges equal numbers.

    `without` names columns to leave out, in every table (`column`) or in one (`schema.table.column`), and tables
    (`schema.table`).
    """
    columns = connection.execute(
        """
        select schema_name || '.' || table_name, column_name, data_type
        from duckdb_columns()
        where database_name = current_database() and list_contains($schemas, schema_name) and not internal
            -- A view of what was known then has rows only once a moment is set.
            and not ends_with(table_name, '_then')
        order by all
        """,
        {"schemas": list(schemas)},
    ).fetchall()
    tables: dict[str, list[str]] = {}
    for table, column, kind in columns:
        if table in without:
            continue
        cells = tables.setdefault(table, [])
        if not {column, f"{table}.{column}"} & without:
            # 0.0 and -0.0 have equal hashes, so the sign of zeros is compared separately.
            cells += [f'"{column}"', f'signbit("{column}")'] if kind == "DOUBLE" and not is_stored else [f'"{column}"']
    found = {}
    for table, cells in tables.items():
        row = connection.execute(
            f"select count(*), md5(string_agg(row_hash::varchar, ' ' order by row_hash)) "
            f"from (select hash({', '.join(cells)}) as row_hash from {table})"
        ).fetchone()
        assert row is not None
        found[table] = f"{row[0]} rows, {row[1]}"
    return found


def differing_rows(ours: duckdb.DuckDBPyConnection, theirs: duckdb.DuckDBPyConnection, table: str) -> str:
    """A few rows that only one of two warehouses has, for the message of a failing test."""
    left, right = (side.execute(f"select * from {table}").to_arrow_table() for side in (ours, theirs))
    with duckdb.connect() as connection:
        connection.register("ours", left)
        connection.register("theirs", right)
        return "\n".join(
            f"{table}, only {a}: {row}"
            for a, b in (("ours", "theirs"), ("theirs", "ours"))
            for row in connection.execute(f"from {a} except from {b} order by all limit 3").fetchall()
        )


def assert_same_tables(
    ours: Home, theirs: Home, *schemas: str, without: frozenset[str] = frozenset(), message: str = ""
) -> None:
    """Compare two homes table by table."""
    left, right = (home.fingerprints(*schemas, without=without) for home in (ours, theirs))
    differing = [name for name in sorted(left.keys() | right.keys()) if left.get(name) != right.get(name)]
    details = "\n".join(
        differing_rows(ours.connection, theirs.connection, name) if name in left and name in right else name
        for name in differing
    )
    assert not differing, f"{message}: {differing}\n{details}"
