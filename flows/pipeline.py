"""The main job, step by step: fetch, gate, build, gate, publish. Their order is `main_job`."""

import errno
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from math import inf
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb

from flows.catch_up import fetch_requests
from flows.clock import utc_now
from flows.config import SQL_DIR, Settings
from flows.datasets import DATASETS
from flows.delivery.delivery import as_row
from flows.delivery.delivery import read as read_deliveries
from flows.errors import LockHeld, TrackrecordError, UsageError, WarehouseError
from flows.home import journal
from flows.home.lock import hold_lock
from flows.home.nights import night_is_done
from flows.home.raw_store import Kept, free_disk_mb, keep
from flows.quality.checks import run_checks, run_grain_checks
from flows.quality.pages import write_checks
from flows.quality.results import GateStopped, RuleResult
from flows.quality.suites import Suites
from flows.run import Run, open_run
from flows.sources.base import PaidByRequest
from flows.warehouse import backlog, runs
from flows.warehouse.adoption import adopt_journal
from flows.warehouse.as_of import copy_as_known, open_beside
from flows.warehouse.build import BuildReport, build
from flows.warehouse.connection import is_damaged_inside, open_warehouse
from flows.warehouse.days import write_days
from flows.warehouse.deliveries import adopt_deliveries
from flows.warehouse.models import grains_of, load_models
from flows.warehouse.newly_known import fill_newly_known
from flows.warehouse.publish import Stamp, adopt_publishes, publish, stamp_of
from flows.warehouse.redeclared import read_again
from flows.warehouse.render import Renderer
from flows.warehouse.restore import recover, restore_from_raw, roll_forward
from flows.warehouse.snapshots import Snapshot, supersede, take_snapshot

# The errors of an operating system for a full disk or a folder that may not be written.
DISK_FAULTS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}

NIGHTLY_LOCK = "nightly.lock"


@dataclass(frozen=True)
class Outcome:
    """What a finished run did. `notes` are its source's."""

    snapshots: list[Snapshot]
    build: BuildReport
    checks: tuple[RuleResult, ...]
    n_rows: dict[str, int]
    notes: tuple[str, ...] = ()


def fetch(run: Run) -> list[Kept]:
    """Store everything the source delivers. Needs no lock: nothing but `raw/` and the journal is written."""
    free = free_disk_mb(run.settings.home)
    if free < run.settings.min_free_disk_mb:
        raise WarehouseError(
            f"{run.settings.home} has {free} MB free; a run wants {run.settings.min_free_disk_mb} MB. "
            "Make room, then run again; nothing was changed."
        )
    requests = fetch_requests(run)
    if isinstance(run.source, PaidByRequest):
        run.source.begin(requests)
    kept = []
    for request in requests:
        for fetched in run.source.fetch(request):
            one = keep(run.settings.home, fetched, source=run.source.name, token_ids=request.token_ids)
            # Bodies of endpoints without a dataset are stored and not parsed.
            if fetched.dataset in DATASETS:
                kept.append(one)
                if not run.source.is_archive:
                    backlog.note(run, one)
    if isinstance(run.source, PaidByRequest):
        run.source.settle()
    return sorted(kept, key=lambda one: list(DATASETS).index(one.dataset))


def begin(run: Run) -> None:
    """Restore the warehouse where it is lost, record what runs that died left unrecorded, and that this one has begun.

    Raises UsageError where a simulated market would share a home with a real one.
    """
    set_aside = recover(run.settings)
    if set_aside is not None:
        run.record.counts["n_warehouses_set_aside"] = 1
    with open_warehouse(run.settings) as connection:
        runs.require_one_world(connection, run)
        roll_forward(connection, run.settings.home)
        adopt_publishes(connection, run.settings)
        adopt_journal(connection, run.settings.home)
        runs.settle_history(connection, run.settings.home)
        runs.begin(connection, run)


def snapshot(run: Run, kept: list[Kept]) -> list[Snapshot]:
    """Judge each fetched dataset and append its new rows, after those of earlier fetches that no build has taken yet.

    Raises GateStopped, naming every dataset that was stopped and what to do.
    """
    snapshots = []
    with open_warehouse(run.settings) as connection, Suites(run.settings, title=run.run_id) as suites:
        own = [(run, one) for one in kept]
        for its_run, one in own if run.source.is_archive else backlog.unloaded(connection, run):
            fill_newly_known(connection, its_run, one)
            read_again(connection, its_run, one, suites)
            snapshots.append(take_snapshot(connection, its_run, one, suites))
            if one.dataset == "tokens" and snapshots[-1].is_stopped:
                # The other datasets are checked against the tokens: their failures would only hide this one.
                break
    return _none_stopped(snapshots)


def _none_stopped(snapshots: list[Snapshot]) -> list[Snapshot]:
    """The snapshots, if the gate stopped none. Raises GateStopped, naming every one that it stopped."""
    stopped = [one for one in snapshots if one.is_stopped]
    if stopped:
        gates = [(one.gate, one.snapshot_id) for one in stopped if one.gate]
        raise GateStopped(
            "\n".join(gate.message(snapshot_id) for gate, snapshot_id in gates),
            tuple(result for gate, _ in gates for result in gate.stops),
        )
    return snapshots


def build_marts(run: Run) -> BuildReport:
    """Bring `core` and `marts` to the run's as-of moment."""
    with open_warehouse(run.settings) as connection:
        return build(connection, run.settings, as_of=run.as_of, run_id=run.run_id)


def check_marts(run: Run) -> tuple[RuleResult, ...]:
    """The second gate. Raises GateStopped where a critical check finds rows."""
    with open_warehouse(run.settings) as connection:
        results = check_tables(connection, run.settings)
        journal.append(
            run.settings.home, "validations", run_id=run.run_id, results=[asdict(result) for result in results]
        )
        runs.record_results(connection, run.run_id, results, gate="marts")
    write_checks(run.settings.home / "data_docs", results, title=run.run_id)
    raise_failed(results)
    return results


def check_tables(connection: duckdb.DuckDBPyConnection, settings: Settings) -> tuple[RuleResult, ...]:
    """The results of the checks on the built tables, and of a check of each table's grain."""
    grains = grains_of(load_models(connection, Renderer(settings, is_full=True)))
    return run_checks(connection, SQL_DIR / "checks") + run_grain_checks(connection, grains)


def raise_failed(results: tuple[RuleResult, ...]) -> None:
    """Raise GateStopped where a critical check of the marts found rows."""
    failed = [result for result in results if not result.is_passed and result.severity == "critical"]
    if failed:
        lines = "\n".join(
            f"marts: {result.rule} found {result.n_failed} rows: {result.reason} Example: {result.example}"
            for result in failed
        )
        raise GateStopped(
            f"{lines}\nNothing was published. This is a fault of the models; keep the warehouse and report it.",
            tuple(failed),
        )


def publish_marts(run: Run) -> dict[str, int]:
    """Swap in the new published file; return rows by table."""
    with open_warehouse(run.settings) as connection:
        write_days(connection, run.settings, run.as_of)
        runs.keep_record(connection, run)
        runs.keep_weekly_history(connection, run)
        adopt_deliveries(connection, map(as_row, read_deliveries(run.settings.home).values()))
        counts = publish(connection, stamp_of(run), run.settings.published)
        adopt_publishes(connection, run.settings)
        runs.settle_history(connection, run.settings.home)
    return counts


def rebuild(settings: Settings, moment: datetime, target: Path, *, holder: str) -> dict[str, int]:
    """Build everything anew as it was known at `moment` (UTC, no zone) and publish it to the file `target`.

    The home is only read, and locked only while rows are copied out of its warehouse, not during the build. Today's
    models, maps and settings are used. Return rows by table. Raises UsageError where nothing was known then or `target`
    is the home's own, LockHeld, GateStopped or WarehouseError.
    """
    if target.resolve().is_relative_to(settings.home.resolve()):
        raise UsageError(
            f"--out {target} lies in the home, or is the home's own file. Name another one; a rebuild never touches it."
        )
    if moment > utc_now():
        raise UsageError(
            f"--as-of {moment:%Y-%m-%dT%H:%M:%S} lies in the future; nobody knows what will be known then."
        )
    if not settings.warehouse.exists():
        raise UsageError(f"{settings.warehouse} does not exist yet. Run `trackrecord nightly` first.")
    run_id = f"rebuild-{moment:%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"
    with open_beside(settings, target) as connection:
        with hold_lock(settings.home, holder):
            copy_as_known(connection, settings, moment)
        build(connection, settings, as_of=moment, run_id=run_id)
        raise_failed(check_tables(connection, settings))
        write_days(connection, settings, moment)
        runs.prepare_history(connection)
        row = connection.execute("select source, is_simulated from ops.run order by as_of desc limit 1").fetchone()
        source, is_simulated = row or ("rebuild", False)
        stamp = Stamp(run_id, moment, source, is_simulated, settings.cost_bps, settings.horizons)
        return publish(connection, stamp, target)


def finish(run: Run, state: str, error: str | None = None) -> None:
    """Record how the run ended, in the journal and in the warehouse."""
    note(run, state, error)
    with open_warehouse(run.settings) as connection:
        runs.finish(connection, run, state, error)


def note(run: Run, state: str, error: str | None = None) -> None:
    """Record how the run ended in the journal alone, which needs no lock."""
    journal.append(run.settings.home, "runs", **runs.as_event(run), state=state, error=error)


@dataclass(frozen=True)
class Steps:
    """The steps as they are called: plain functions, or the same functions as an orchestrator's tasks."""

    fetch: Callable[[Run], list[Kept]] = fetch
    begin: Callable[[Run], None] = begin
    snapshot: Callable[[Run, list[Kept]], list[Snapshot]] = snapshot
    build_marts: Callable[[Run], BuildReport] = build_marts
    check_marts: Callable[[Run], tuple[RuleResult, ...]] = check_marts
    publish_marts: Callable[[Run], dict[str, int]] = publish_marts


def main_job(
    run: Run, *, holder: str, wait_seconds: float, steps: Steps = Steps(), is_published: bool = True
) -> Outcome:
    """Fetch, then, under the lock, gate, build, gate and publish. A failure is recorded in the ledger.

    Raises LockHeld, GateStopped, SourceError or WarehouseError; the published file is then unchanged.
    """
    with _disk_faults_explained(run):
        try:
            with run.record.stage("fetch"):
                kept = steps.fetch(run)
            run.record.inputs += [
                {"dataset": one.dataset, "sha256": one.sha256, "n_bytes": one.n_bytes, "names": list(one.names)}
                for one in kept
            ]
        except BaseException as error:
            _record_failure(note, run, error)
            raise
        try:
            with hold_lock(run.settings.home, holder, wait_seconds=wait_seconds):
                return _publish_kept(run, kept, steps, is_published=is_published)
        except LockHeld as error:
            _record_failure(note, run, error)
            raise


def _publish_kept(run: Run, kept: list[Kept], steps: Steps, *, is_published: bool) -> Outcome:
    """Everything that needs the lock; a damaged warehouse is set aside and restored, and all of it runs once more."""
    try:
        return _build_and_publish(run, kept, steps, is_published=is_published)
    except duckdb.IOException as error:
        if not is_damaged_inside(error):
            raise
    # DuckDB finds a damaged block only when it reads it, so that `begin` may open such a file without an error.
    restore_from_raw(run.settings, is_built=False)
    run.record.counts["n_warehouses_set_aside"] = 1
    return _build_and_publish(run, kept, steps, is_published=is_published)


def _build_and_publish(run: Run, kept: list[Kept], steps: Steps, *, is_published: bool) -> Outcome:
    stage = run.record.stage
    try:
        steps.begin(run)
    except BaseException as error:
        _record_failure(note, run, error)
        raise
    try:
        with stage("snapshot"):
            snapshots = steps.snapshot(run, kept)
        _count_snapshots(run, snapshots)
        run = not_before_the_last_build(run)
        with stage("build"):
            report = steps.build_marts(run)
        run.record.counts |= {"outcomes_moved": report.n_outcomes_moved, "is_full_build": int(report.is_full)}
        with stage("check"):
            checks = steps.check_marts(run)
        with stage("publish"):
            counts = steps.publish_marts(run) if is_published else {}
        run.record.counts["published_rows"] = sum(counts.values())
    except BaseException as error:
        _record_failure(finish, run, error)
        raise
    finish(run, "published" if is_published else "built")
    return Outcome(snapshots, report, checks, counts, tuple(run.source.notes))


def nightly_job(
    settings: Settings, asked: Mapping[str, Any], *, holder: str, wait_seconds: float, is_due_only: bool, steps: Steps
) -> Outcome | None:
    """The main job of a night, over the source that `asked` names as `open_run` takes it; one at a time.

    With `is_due_only` it returns None where the night has been done, be it while this one waited: runs that piled up
    do one job, and no source is paid twice. Raises what `open_run` and the main job raise.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(hold_lock(settings.home, holder, wait_seconds=wait_seconds, name=NIGHTLY_LOCK))
        except LockHeld as error:
            _record_failure(note, open_run(settings, **asked), error)
            raise
        if is_due_only and night_is_done(
            settings.home, utc_now(), source=asked["source"], input=str(asked["input"] or "")
        ):
            return None
        # Opened after the wait, because the clocks of a run are those of its fetch.
        run = open_run(settings, **asked)
        return main_job(run, holder=f"{holder}, run {run.run_id}", wait_seconds=wait_seconds, steps=steps)


def hourly_job(run: Run, *, holder: str, wait_seconds: float, steps: Steps = Steps()) -> Outcome | None:
    """The main job, published only where the last publish is some hours old.

    Where another run holds the lock until the wait is over, a live source's data is stored, the next build takes it up,
    and this returns None. Raises what the main job raises.
    """
    is_published = publish_age(run.settings) >= run.settings.hourly_publish_hours * 3600
    try:
        return main_job(run, holder=holder, wait_seconds=wait_seconds, steps=steps, is_published=is_published)
    except LockHeld:
        if run.source.is_archive:
            raise
        note(run, "fetched")
        return None


def publish_age(settings: Settings) -> float:
    """Seconds since the published file was written; endless before the first."""
    try:
        return time.time() - settings.published.stat().st_mtime
    except FileNotFoundError:
        return inf


def reparse_job(run: Run, *, since: date, until: date, holder: str, wait_seconds: float) -> Outcome:
    """Read again what was fetched on these days, with today's parser, and build everything anew.

    The rows parsed from those bytes before stay in `raw` and are no longer used; the new ones keep the clocks of the
    fetch. Raises UsageError where nothing was fetched then, and what the main job raises.
    """

    def kept_then(run: Run) -> list[Kept]:
        return []

    def read_again(run: Run, kept: list[Kept]) -> list[Snapshot]:
        with open_warehouse(run.settings) as connection, Suites(run.settings, title=run.run_id) as suites:
            for its_run, one in backlog.fetched_between(run, since, until):
                supersede(connection, its_run, one)
            # Every earlier build used rows that are superseded now.
            connection.execute("delete from ops.build")
            snapshots = [
                take_snapshot(connection, its_run, one, suites) for its_run, one in backlog.unloaded(connection, run)
            ]
        return _none_stopped(snapshots)

    steps = Steps(fetch=kept_then, snapshot=read_again)
    return main_job(run, holder=holder, wait_seconds=wait_seconds, steps=steps)


def not_before_the_last_build(run: Run) -> Run:
    """The run with its as-of moment moved up to the last build's, if its source is live.

    A nightly that waited while an hourly run built would otherwise take the tables back an hour.
    """
    if run.source.is_archive or run.is_replay:
        return run
    with open_warehouse(run.settings) as connection:
        row = connection.execute("select max(as_of) from ops.build").fetchone()
    built_at = row[0] if row else None
    return run if built_at is None or built_at <= run.as_of else replace(run, as_of=built_at)


def _count_snapshots(run: Run, snapshots: list[Snapshot]) -> None:
    for name in ("n_rows", "n_new", "n_quarantined"):
        run.record.counts[name] = sum(getattr(one, name) for one in snapshots)


@contextmanager
def _disk_faults_explained(run: Run) -> Iterator[None]:
    """One message for a full disk, which may show wherever something is written."""
    try:
        yield
    except (OSError, duckdb.IOException, duckdb.TransactionException, duckdb.FatalException) as error:
        if not _is_disk_fault(error):
            raise
        raise WarehouseError(
            f"{run.settings.home} cannot be written: {str(error).splitlines()[0]}. Make room and the folder writable, "
            "then run again; what is published stays whole."
        ) from error


def _is_disk_fault(error: Exception) -> bool:
    """Whether a disk is full or not writable; DuckDB passes on the operating system's error only as text."""
    if isinstance(error, OSError):
        return error.errno in DISK_FAULTS
    return any(os.strerror(number) in str(error) for number in DISK_FAULTS) or "write" in str(error).lower()


def _record_failure(record: Callable[[Run, str, str], None], run: Run, error: BaseException) -> None:
    message = str(error) if isinstance(error, TrackrecordError) else f"{type(error).__name__}: {error}"
    # A disk too full for the record must not hide the error itself; the next run will record that this one died.
    with suppress(OSError, duckdb.Error, WarehouseError):
        record(run, "stopped" if isinstance(error, GateStopped) else "failed", message)
