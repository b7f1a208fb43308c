"""Opening the warehouse: one writer, UTC, bounded memory, its schemas and ledger tables in place."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache

import duckdb
import jinja2

from flows.config import SQL_DIR, Settings
from flows.datasets import DATASETS, Dataset
from flows.errors import WarehouseError
from flows.quoting import literal
from flows.timeframes import TIMEFRAMES
from flows.warehouse.migrate import migrate, stamp_new

# Parts of DuckDB's messages about a damaged database file or write-ahead log.
SIGNS_OF_DAMAGE = (
    "not a valid DuckDB database file",
    "Corrupt",
    "corrupt",
    "checksum",
    "WAL file",
    "Could not read enough bytes",
    "Could not read all bytes",
    "Serialization Error",
    "INTERNAL Error",
)

SCHEMAS = ("raw", "staging", "work", "core", "marts", "ops")


@contextmanager
def open_warehouse(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The writer's connection. Hold the lock around it.

    Raises WarehouseError where the file cannot be opened as a warehouse.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    try:
        connection = duckdb.connect(str(settings.warehouse))
    except duckdb.Error as error:
        what_to_do = (
            "It is damaged: run `trackrecord restore --from-raw`, which sets it aside and makes it anew."
            if is_damage(error)
            else "Close whatever else has it open, then run again."
        )
        raise WarehouseError(
            f"{settings.warehouse} cannot be opened: {str(error).splitlines()[0]} {what_to_do}"
        ) from error
    try:
        prepare(connection, settings)
        yield connection
    finally:
        connection.close()


def is_damage(error: BaseException) -> bool:
    """Whether an error means that a file is damaged, and not that it is locked, forbidden or of a newer version."""
    message = str(error)
    return any(sign in message for sign in SIGNS_OF_DAMAGE)


def is_damaged_inside(error: BaseException) -> bool:
    """Whether DuckDB has met a damaged block in a file that it could open."""
    return isinstance(error, duckdb.IOException) and "Corrupt database file" in str(error)


def prepare(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Set what every session needs and create what every warehouse has."""
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(f"set memory_limit = '{settings.memory_limit}'")
    connection.execute(f"set threads = {settings.threads}")
    connection.execute(f"set temp_directory = {literal(str(settings.home / 'spill'))}")
    connection.execute("set enable_progress_bar = false")
    # Freed memory goes back to the system at once: kept by DuckDB, it was a fifth of a build's peak over the memory
    # limit.
    connection.execute("set allocator_flush_threshold = '16MB'")
    connection.execute("set allocator_bulk_deallocation_flush_threshold = '32MB'")
    # DuckDB computes so much of a result ahead of its reader. Cursors keep the small default, because a full build
    # reads with several at once.
    connection.execute("set streaming_buffer_size = '32MB'")
    # ALP-RD compresses numbers without a pattern, as most here are, by only a tenth, and takes a third longer.
    connection.execute("set disabled_compression_methods = 'alprd'")
    # DuckDB runs an ASOF join as a nested loop where it expects few rows. It expects too few from common table
    # expressions, and the loop takes minutes where the sorted join takes a second.
    connection.execute("set asof_loop_join_threshold = 0")
    for schema in SCHEMAS:
        connection.execute(f"create schema if not exists {schema}")
    connection.execute(scalar_macros(settings.timeframes))
    migrate(connection)
    connection.execute((SQL_DIR / "ops" / "tables.sql").read_text(encoding="utf-8"))
    stamp_new(connection)
    set_macros(connection, settings.timeframes)
    for dataset in DATASETS.values():
        connection.execute(f"create table if not exists raw.{dataset.name} ({raw_columns(dataset)})")


def set_macros(connection: duckdb.DuckDBPyConnection, timeframes: Iterable[str]) -> None:
    """Make the scalar macros, for the timeframes in use and the grids of the home that the connection is to."""
    connection.execute(scalar_macros(timeframes, offsets_of(connection)))


def offsets_of(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """By how many seconds the grid of a timeframe is moved, where one is; a file of an earlier version moves none."""
    if not connection.execute(
        "select 1 from duckdb_tables() where schema_name = 'ops' and table_name = 'grid'"
    ).fetchone():
        return {}
    return dict(
        connection.execute(
            "select timeframe, arg_max(offset_seconds, declared_at) from ops.grid group by timeframe"
        ).fetchall()
    )


def scalar_macros(timeframes: Iterable[str], offsets: Mapping[str, int] | None = None) -> str:
    """SQL that makes the scalar macros, for the timeframes in use. They are temporary: each cursor needs its own."""
    macros = (SQL_DIR / "macros.sql").read_text(encoding="utf-8")
    return _rendered(macros, tuple(timeframes), tuple(sorted((offsets or {}).items())))


@cache
def _rendered(macros: str, timeframes: tuple[str, ...], offsets: tuple[tuple[str, int], ...]) -> str:
    template = jinja2.Template(macros, undefined=jinja2.StrictUndefined)
    in_use = {name: TIMEFRAMES[name] for name in timeframes}
    return str(template.render(timeframes=in_use, declared=TIMEFRAMES, offsets=dict(offsets)))


def roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    """Roll back the open transaction; a commit that failed on a full disk has left none, which is no new error."""
    with suppress(duckdb.TransactionException, duckdb.FatalException):
        connection.execute("rollback")


def raw_columns(dataset: Dataset) -> str:
    """The columns of a dataset's raw table: snapshot and row number first, then the dataset's own."""
    own = ", ".join(f"{column.name} {column.type}" for column in dataset.columns)
    vendor = "vendor varchar, " if dataset.has_vendor else ""
    return f"snapshot_id bigint, row_number bigint, {vendor}{own}, is_snapped boolean, is_preliminary boolean"
