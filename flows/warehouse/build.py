"""Building `core` and `marts` from `raw`: in full, or only what new rows touch and what was still open."""

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import duckdb

from flows.config import DATA_DIR, Settings
from flows.errors import WarehouseError
from flows.quoting import literal
from flows.timeframes import TIMEFRAMES
from flows.warehouse.connection import roll_back
from flows.warehouse.fingerprint import scoring_hash
from flows.warehouse.forward_windows import ALL_TOKENS
from flows.warehouse.kernels import KERNELS, KernelRun
from flows.warehouse.memory import give_back_freed, keep_no_large_arrays
from flows.warehouse.models import FRESH, GIVEN_TABLES, Model, changes_of, load_models, needs_plan
from flows.warehouse.render import Renderer

# Share of the memory of the machine that a build may use on its second try.
MOST_MEMORY = 0.6

# The model whose rows are the reasons against an increment.
FULL_REASON = "plan.full_reason"

# Row groups are merged after so many snapshots: half a week of nights that bring all datasets, half a day of hours.
SNAPSHOTS_A_TIDY = 24


@dataclass(frozen=True)
class BuildReport:
    """What a build did: whether it was full and why, and how many rows each model computed and in what time."""

    is_full: bool
    reason: str
    n_rows: dict[str, int]
    seconds: dict[str, float]
    n_outcomes_moved: int


def build(connection: duckdb.DuckDBPyConnection, settings: Settings, *, as_of: datetime, run_id: str) -> BuildReport:
    """Bring `core` and `marts` to what was known at `as_of`.

    The memory that a build needs grows with the history: one that does not fit into its limit is done again with most
    of the memory of the machine. Raises WarehouseError where that is not enough either.
    """
    # Preserving insertion order costs a third of the time in which the windows are written.
    connection.execute("set preserve_insertion_order = false")
    try:
        return _build_with_enough_memory(connection, settings, as_of=as_of, run_id=run_id)
    finally:
        # A database that broke raises again on the next statement, which must not hide the first error.
        with suppress(duckdb.Error):
            connection.execute("reset preserve_insertion_order")


def _build_with_enough_memory(
    connection: duckdb.DuckDBPyConnection, settings: Settings, *, as_of: datetime, run_id: str
) -> BuildReport:
    try:
        return _build(connection, settings, as_of=as_of, run_id=run_id)
    except duckdb.OutOfMemoryException:
        megabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * MOST_MEMORY // 10**6
        connection.execute(f"set memory_limit = '{megabytes:.0f}MB'")
    try:
        return _build(connection, settings, as_of=as_of, run_id=run_id)
    except duckdb.OutOfMemoryException as error:
        raise WarehouseError(
            f"The build does not fit into {megabytes:,.0f} MB, {MOST_MEMORY:.0%} of this machine's memory: "
            f"{str(error).splitlines()[0]} Set TRACKRECORD_THREADS=1, which needs less at once, or give the machine "
            "more memory; what was published is unchanged."
        ) from error
    finally:
        with suppress(duckdb.Error):
            connection.execute(f"set memory_limit = '{settings.memory_limit}'")


def _build(connection: duckdb.DuckDBPyConnection, settings: Settings, *, as_of: datetime, run_id: str) -> BuildReport:
    """Build once, in the memory there is.

    An incremental build is one transaction. A full one is not (it writes from two threads): it is marked unfinished
    first, so that a run that dies in it is followed by another full one.
    """
    connection.execute("create schema if not exists plan")
    _load_maps(connection)
    connection.execute("set variable as_of = $as_of::timestamp", {"as_of": as_of})
    # Read once: a deploy during the build must not stamp tables of the old models with the new fingerprint.
    fingerprint = scoring_hash(settings)
    last_id, reason = _why_full(connection, fingerprint, as_of)
    connection.execute(f"set variable last_snapshot_id = {last_id}")
    _tidy_up_now_and_then(connection, last_id)
    if reason is None and _is_current(connection, last_id, as_of):
        report = BuildReport(False, "nothing new", {}, {}, 0)
        _record(connection, fingerprint, report, as_of=as_of, run_id=run_id)
        return report
    if reason is None:
        connection.execute("begin")
        try:
            increment = _Build(connection, settings, is_full=False).run("new rows only")
            if isinstance(increment, BuildReport):
                _record(connection, fingerprint, increment, as_of=as_of, run_id=run_id)
                connection.execute("commit")
                return increment
        except BaseException:
            roll_back(connection)
            raise
        connection.execute("rollback")
        reason = increment
    connection.execute("delete from ops.build")
    connection.execute("set variable last_snapshot_id = 0")
    whole = _Build(connection, settings, is_full=True).run(reason)
    assert isinstance(whole, BuildReport)
    _record(connection, fingerprint, whole, as_of=as_of, run_id=run_id)
    return whole


def _tidy_up_now_and_then(connection: duckdb.DuckDBPyConnection, last_id: int) -> None:
    """Let DuckDB merge row groups once in so many snapshots only.

    The rows that builds insert and delete leave small row groups and gaps. To merge them DuckDB rewrites whole row
    groups, which would be most of what a night writes; without merging, every query reads more slowly.
    """
    (newest,) = connection.execute("select coalesce(max(snapshot_id), 0) from ops.snapshot").fetchone() or (0,)
    is_due = newest // SNAPSHOTS_A_TIDY > last_id // SNAPSHOTS_A_TIDY
    connection.execute("reset max_vacuum_tasks" if is_due else "set max_vacuum_tasks = 0")


def _is_current(connection: duckdb.DuckDBPyConnection, last_id: int, as_of: datetime) -> bool:
    """Whether no usable snapshot has come since the last build, so that every table is up to date."""
    row = connection.execute(
        "select count(*) from ops.snapshot where snapshot_id > $last_id and state in ('passed', 'accepted') "
        "and superseded_by is null and as_of <= $as_of",
        {"last_id": last_id, "as_of": as_of},
    ).fetchone()
    return row == (0,)


def _why_full(connection: duckdb.DuckDBPyConnection, fingerprint: str, as_of: datetime) -> tuple[int, str | None]:
    """The newest snapshot the last build used, and why everything must be built anew, or None."""
    last = connection.execute(
        "select as_of, last_snapshot_id, scoring_hash, n_usable_snapshots from ops.build"
    ).fetchone()
    if last is None:
        return 0, "there is no finished build"
    last_as_of, last_id, last_hash, n_usable = last
    if last_hash != fingerprint:
        return 0, "the models, the maps or the settings changed"
    if as_of < last_as_of:
        return 0, "the as-of moment lies before that of the last build"
    usable = connection.execute(
        """
        select
            count(*) filter (where snapshot_id <= $last_id),
            count(*) filter (where snapshot_id > $last_id and as_of < $last_as_of)
        from ops.snapshot
        where state in ('passed', 'accepted') and superseded_by is null and as_of <= $as_of
        """,
        {"as_of": as_of, "last_id": last_id, "last_as_of": last_as_of},
    ).fetchone()
    if usable != (n_usable, 0):
        return 0, "an older snapshot was accepted, added, read anew, or reached by the as-of moment"
    return last_id, None


def _record(
    connection: duckdb.DuckDBPyConnection, fingerprint: str, report: BuildReport, *, as_of: datetime, run_id: str
) -> None:
    connection.execute("delete from ops.build")
    connection.execute(
        """
        insert into ops.build by name
        select
            $run_id as run_id,
            $as_of::timestamp as as_of,
            coalesce(max(snapshot_id), 0) as last_snapshot_id,
            count(*) filter (
                where state in ('passed', 'accepted') and superseded_by is null and as_of <= $as_of
            ) as n_usable_snapshots,
            $scoring_hash as scoring_hash,
            $is_full as is_full,
            $reason as reason,
            $n_windows as n_windows_computed,
            $n_moved as n_outcomes_moved
        from ops.snapshot
        """,
        {
            "run_id": run_id,
            "as_of": as_of,
            "scoring_hash": fingerprint,
            "is_full": report.is_full,
            "reason": report.reason,
            "n_windows": sum(report.n_rows.get(TIMEFRAMES[name].windows, 0) for name in TIMEFRAMES),
            "n_moved": report.n_outcomes_moved,
        },
    )


class _Build:
    """One pass over the models, in order; those that do not depend on `plan` run first."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, settings: Settings, *, is_full: bool) -> None:
        self.connection = connection
        self.settings = settings
        self.is_full = is_full
        self.renderer = Renderer(settings, is_full=is_full)
        self.models = load_models(connection, self.renderer)
        if is_full:
            # A fault in what only increments compute stops the first night too, not the second.
            load_models(connection, Renderer(settings, is_full=False))
        self.n_rows: dict[str, int] = {}
        self.seconds: dict[str, float] = {}

    def run(self, reason: str) -> BuildReport | str:
        """Build, or return the reason why an increment will not do."""
        if self.is_full:
            keep_no_large_arrays()
            self._drop_orphans()
        planned = needs_plan(self.models)
        self._run_models(model for model in self.models if model.name not in planned)
        # This comes before everything that takes long, because a reason against an increment makes the rest useless.
        self._run_models(model for model in self.models if model.name == FULL_REASON)
        if not self.is_full and self.n_rows[FULL_REASON]:
            return str(self._value(f"select any_value(reason) from {FULL_REASON}"))
        self._run_models(self.models)
        n_moved = 0 if self.is_full else self._count_moved()
        return BuildReport(self.is_full, reason, self.n_rows, self.seconds, n_moved)

    def _run_models(self, models: Iterable[Model]) -> None:
        for model in models:
            if model.name not in self.n_rows:
                started = time.perf_counter()
                self.n_rows[model.name] = self._materialize(model)
                for name, aggregate in model.variables:
                    self.connection.execute(f"set variable {name} = (select {aggregate} from {model.name})")
                if self.is_full:
                    give_back_freed()
                self.seconds[model.name] = time.perf_counter() - started

    def _materialize(self, model: Model) -> int:
        """Build one model and return how many rows were computed for it."""
        if self.is_full and not model.is_temporary:
            self._drop_other_kind(model)
        if model.is_view:
            # An increment finds the views that the last full build made of the same models.
            if self.is_full or model.is_temporary:
                self._create_view(model)
            return 0
        is_replaced = model.replaces is not None and not self.is_full
        table, created_as = (
            (f"temp.{FRESH}", f"temporary table {FRESH}") if is_replaced else (model.name, model.created_as)
        )
        n_rows = self._make(model, table, created_as)
        if is_replaced and model.is_rewritten:
            self._rewrite_by_fresh(model)
        elif is_replaced:
            self._replace_by_fresh(model, n_rows)
        return n_rows

    def _make(self, model: Model, table: str, created_as: str) -> int:
        """Make a model's table, or what an increment computes of it, under a name."""
        if model.computation is None:
            return self._create_table(created_as, self._render(model))
        run = KernelRun(
            connection=self.connection,
            settings=self.settings,
            is_full=self.is_full,
            table=table,
            created_as=created_as,
            timeframe=model.words.get("timeframe", ""),
            select=partial(self._render, model),
        )
        KERNELS[model.computation.kernel](run, *model.computation.arguments)
        return self._number(f"select count(*) from {table}")

    def _render(self, model: Model, tokens: tuple[int, int] = ALL_TOKENS) -> str:
        return self.renderer.render(model.template, model.words, tokens)

    def _create_view(self, model: Model) -> None:
        # Names inside a view stay without a schema, so that it also works where the file is attached.
        schema = "" if model.is_temporary else model.schema
        self.connection.execute(f"set search_path = '{schema}'")
        self.connection.execute(f"create or replace {model.created_as} as {self._render(model)}")
        self.connection.execute("set search_path = ''")

    def _create_table(self, created_as: str, select: str) -> int:
        """Create a table, which replaces one of its name, and return how many rows it has."""
        return self._number(f"create or replace {created_as} as {select}")

    def _drop_orphans(self) -> None:
        """Drop the tables and views that no model makes any more: of an older version, or a timeframe out of use."""
        made = {*(model.name for model in self.models), *GIVEN_TABLES}
        for kind in ("view", "table"):
            found = self.connection.execute(
                f"select schema_name || '.' || {kind}_name from duckdb_{kind}s() "
                "where schema_name in ('staging', 'plan', 'work', 'core', 'marts') and not temporary "
                "and database_name = current_database()"
            ).fetchall()
            for (name,) in found:
                if name not in made:
                    self.connection.execute(f"drop {kind} {name}")

    def _drop_other_kind(self, model: Model) -> None:
        """Drop the table an older version made where a view stands now, or the other way round."""
        kind = "table" if model.is_view else "view"
        found = self.connection.execute(
            f"select 1 from duckdb_{kind}s() where schema_name || '.' || {kind}_name = $name "
            "and database_name = current_database()",
            {"name": model.name},
        ).fetchone()
        if found:
            self.connection.execute(f"drop {kind} {model.name}")

    def _rewrite_by_fresh(self, model: Model) -> None:
        """Replace the rows that `Rewrites` in the model's header selects by those in `fresh`, without a comparison."""
        rows, _, condition = str(model.replaces).removeprefix("from ").partition(" where ")
        self.connection.execute(f"delete from {model.name} as old using {rows} where {condition}")
        self.connection.execute(f"insert into {model.name} by name from fresh")

    def _replace_by_fresh(self, model: Model, n_fresh: int) -> None:
        """Replace the rows that `Replaces` in the model's header selects by those in `fresh`.

        Rows that are in both stay as they are: most are, and what is not written needs no checkpoint. The rows that
        are deleted and those that are inserted stay in `temp.changed_<model>` for the models that follow.
        """
        rows, _, condition = str(model.replaces).removeprefix("from ").partition(" where ")
        n_old = self._create_temporary("old_rows", f"select old.* from {model.name} as old, {rows} where {condition}")
        changes = changes_of(model)
        if n_fresh or n_old:
            gone, added = "from old_rows except from fresh", "from fresh except from old_rows"
            select = f"select *, false as is_new from ({gone}) union all select *, true as is_new from ({added})"
        else:
            # Nothing to insert and nothing to delete, so there is nothing to compare.
            select = "select *, true as is_new from fresh"
        if self._create_temporary(changes.removeprefix("temp."), select):
            is_same = self._is_same(model, changes)
            self.connection.execute(
                f"delete from {model.name} as old using {changes} as gone where not gone.is_new and {is_same}"
            )
            self.connection.execute(
                f"insert into {model.name} by name select * exclude (is_new) from {changes} where is_new"
            )

    def _is_same(self, model: Model, changes: str) -> str:
        """SQL for whether a row is one to delete. DuckDB skips row groups only by `=`, which finds no NULL."""
        is_complete = ", ".join(f"count({name}) = count(*)" for name in model.grain)
        row = self.connection.execute(f"select {is_complete} from {changes}").fetchone()
        assert row is not None
        return " and ".join(
            f"old.{name} {'=' if is_always else 'is not distinct from'} gone.{name}"
            for name, is_always in zip(model.grain, row, strict=True)
        )

    def _create_temporary(self, table: str, select: str) -> int:
        return self._create_table(f"temporary table {table}", select)

    def _count_moved(self) -> int:
        """How many scored outcomes are other than before, because a bar under them was revised or arrived late."""
        return self._number(
            """
            select count(*)
            from temp.changed_signal_outcome as old
            inner join marts.signal_outcome as new
                using (vendor, token_id, timeframe, signal_at, entry_rule, horizon)
            where
                not old.is_new
                and old.hit is not null
                and (old.status, old.gross_return, old.mae, old.mfe, old.max_drawdown)
                is distinct from (new.status, new.gross_return, new.mae, new.mfe, new.max_drawdown)
            """
        )

    def _number(self, statement: str) -> int:
        return int(self._value(statement))

    def _value(self, statement: str) -> Any:
        row = self.connection.execute(statement).fetchone()
        assert row is not None
        return row[0]


def _load_maps(connection: duckdb.DuckDBPyConnection) -> None:
    """The sector map and the exclusions, as they stand in `data/`."""
    for table, file in (("sector_map", "sectors.csv"), ("exclusion", "exclusions.csv")):
        path = literal(str(DATA_DIR / file))
        connection.execute(f"create or replace table work.{table} as from read_csv({path}, header = true)")
