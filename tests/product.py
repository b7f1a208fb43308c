"""Runs the product in tests: a folder goes in, tables come out."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import ModuleType
from unittest import mock

import duckdb
import jinja2
import pandas as pd

import flows.config
from flows.config import SQL_DIR, Settings
from flows.home.raw_store import Kept
from flows.pipeline import Outcome, fetch, main_job
from flows.quality.incoming import Incoming
from flows.quality.results import GateResult, RuleResult
from flows.run import Run, start_run
from flows.sources.files import FilesSource
from flows.timeframes import TIMEFRAMES
from flows.warehouse import backlog
from flows.warehouse import connection as connection_module
from flows.warehouse import fingerprint as fingerprint_module
from flows.warehouse import kernels as kernels_module
from flows.warehouse import models as models_module
from flows.warehouse import render as render_module
from flows.warehouse.build import BuildReport, build
from flows.warehouse.snapshots import take_snapshot

# Every module that reads `sql/` has the folder in a variable of this name.
READS_SQL: tuple[ModuleType, ...] = (
    flows.config,
    connection_module,
    fingerprint_module,
    kernels_module,
    models_module,
    render_module,
)


def make_run(
    folder: Path,
    settings: Settings,
    *,
    as_of: datetime | None = None,
    fetched_at: datetime | None = None,
    vendor: str | None = None,
) -> Run:
    """A run over a folder at the present time, or, with `as_of`, as if that were the present time.

    `fetched_at` sets the moment of fetching separately from the as-of moment.
    """
    run = start_run(FilesSource(folder, vendor), settings, input=str(folder))
    if as_of is None:
        return run
    return replace(run, as_of=as_of, fetched_at=fetched_at or as_of)


def run_main_job(run: Run) -> Outcome:
    """The main job, as `trackrecord nightly --plain` runs it."""
    return main_job(run, holder="a test", wait_seconds=0)


def snapshot_without_gate(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Append the run's folder without the gate, so that every row is accepted."""
    append_without_gate(connection, run, fetch(run))


def append_without_gate(connection: duckdb.DuckDBPyConnection, run: Run, kept: list[Kept]) -> None:
    """Append what was fetched, after anything left by earlier fetches, without the gate."""
    own = [(run, one) for one in kept]
    with mock.patch("flows.warehouse.snapshots.judge", _pass_all):
        for its_run, one in own if run.source.is_archive else backlog.unloaded(connection, run):
            take_snapshot(connection, its_run, one, suites=None)  # type: ignore[arg-type]


def build_anew(connection: duckdb.DuckDBPyConnection, run: Run) -> BuildReport:
    """A full build, even if an increment would do."""
    connection.execute("delete from ops.build")
    return build(connection, run.settings, as_of=run.as_of, run_id=run.run_id)


@contextmanager
def sql_from(folder: Path) -> Iterator[None]:
    """Make the product read another `sql/` folder."""
    with ExitStack() as patches:
        for module in READS_SQL:
            patches.enter_context(mock.patch.object(module, "SQL_DIR", folder))
        yield


def windows_of(connection: duckdb.DuckDBPyConnection, settings: Settings, timeframe: str) -> pd.DataFrame:
    """The windows of one timeframe, published or not, as core.forward_window shows those that are."""
    view = jinja2.Template((SQL_DIR / "core" / "forward_window.sql").read_text(encoding="utf-8"))
    declared = TIMEFRAMES[timeframe]
    select = view.render(timeframes={timeframe: replace(declared, is_published=True)}, horizons=settings.horizons)
    return connection.sql(select.replace(f"from forward_window_{timeframe}", f"from {declared.windows}")).df()


def _pass_all(connection: duckdb.DuckDBPyConnection, incoming: Incoming, **_: object) -> GateResult:
    connection.execute(
        "create or replace temporary table bad_row "
        "(row_number bigint, rule varchar, reason varchar, is_quarantined boolean)"
    )
    name = incoming.dataset.name
    passed = RuleResult(
        name, "skipped", "warning", "A test looks at what lies behind the gate.", True, False, 0, 0, None
    )
    return GateResult(name, results=(passed,), n_quarantined=0, stops=())
