"""The kernels: what models compute in Python, under the name that `-- Computed:` calls them by.

A kernel's arguments after the first are tables; the header of a model gives them, and so they are its dependencies.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

import duckdb
import pyarrow as pa

from flows.config import SQL_DIR, Settings
from flows.scorecards import families, signals
from flows.scorecards.bases import Bases, sector_bases, token_bases
from flows.scorecards.measures import Measures, read_measures
from flows.warehouse.connection import offsets_of, scalar_macros
from flows.warehouse.forward_windows import create_table, fill_windows
from flows.warehouse.price_stretches import find_stretches


@dataclass(frozen=True)
class KernelRun:
    """What a kernel is run for: the table to make, and its kind and name in a `create` statement.

    `select` is the SQL of the model's own select for a range of tokens, `timeframe` that of the model, if it has one.
    """

    connection: duckdb.DuckDBPyConnection
    settings: Settings
    is_full: bool
    table: str
    created_as: str
    timeframe: str
    select: Callable[[tuple[int, int]], str]

    @property
    def signal_measures(self) -> Measures:
        return read_measures(SQL_DIR / "measures" / "signal.toml")

    def write(self, rows: pa.Table) -> None:
        """Make the table of rows computed as a whole."""
        name = f"computed_{uuid4().hex}"
        self.connection.register(name, rows)
        self.connection.execute(f"create or replace {self.created_as} as from {name}")
        self.connection.unregister(name)


def _forward_windows(run: KernelRun, segments: str, scope: str, recent: str) -> None:
    """The windows over the bars that the model selects. An increment has one connection, so no threads."""
    horizons = run.settings.horizons[run.timeframe]
    create_table(run.connection, run.created_as, horizons)
    fill_windows(
        run.connection,
        run.table,
        run.select,
        segments=segments,
        scope=scope,
        recent=recent,
        timeframe=run.timeframe,
        horizons=horizons,
        cost_bps=run.settings.cost_bps,
        macros=scalar_macros(run.settings.timeframes, offsets_of(run.connection)),
        threads=run.settings.threads if run.is_full else 1,
    )


def _price_stretches(run: KernelRun, bars: str, snapshots: str, scope: str) -> None:
    found = find_stretches(run.connection, bars=bars, snapshots=snapshots, scope=scope)
    run.connection.register("found_stretches", found)
    run.connection.execute(
        f"create or replace {run.created_as} as select timeframe, token_id, price_source, "
        "coalesce(make_timestamp(used_from), '-infinity'::timestamp) as used_from, "
        "coalesce(make_timestamp(used_to), 'infinity'::timestamp) as used_to from found_stretches"
    )
    run.connection.unregister("found_stretches")


def _inference(read: Callable[..., Iterator[Bases]]) -> Callable[..., None]:
    """The kernel that infers cells from their blocks and from the base windows that `read` reads."""

    def infer(run: KernelRun, cells: str, blocks: str, series: str, bases: str) -> None:
        read_bases = partial(read, run.connection, series=series, bases=bases)
        run.write(
            signals.infer(
                run.connection,
                run.settings,
                run.signal_measures,
                cells=cells,
                blocks=blocks,
                read_bases=read_bases,
            )
        )

    return infer


def _comparisons(run: KernelRun, members: str) -> None:
    run.write(families.comparisons(run.connection, run.signal_measures, members))


KERNELS: Mapping[str, Callable[..., None]] = {
    "forward_windows": _forward_windows,
    "price_stretches": _price_stretches,
    "sector_inference": _inference(sector_bases),
    "token_inference": _inference(token_bases),
    "comparisons": _comparisons,
}


def signature_of(kernel: str) -> tuple[str, ...]:
    """The names of the tables that a kernel takes."""
    return tuple(inspect.signature(KERNELS[kernel]).parameters)[1:]
