"""The ledger of runs: when each began, its as-of moment, its input, and how it ended."""

import json
import os
import platform
import subprocess
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from flows.clock import utc_now
from flows.config import ROOT
from flows.errors import UsageError
from flows.home import journal
from flows.quality.results import RuleResult
from flows.quoting import literal
from flows.run import Run
from flows.warehouse.fingerprint import scoring_hash

# Tables that keep, once a week, what another one was when it was published.
HISTORIES = {
    "marts.scorecard_history": "marts.signal_scorecard",
    "marts.funnel_history": "marts.signal_funnel",
    "marts.ranking_history": "marts.vendor_ranking",
}

DIED = "the process ended without a word"


def begin(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Record a run as running, in the journal first. The lock is ours, so any other running one has died.

    Runs that are only in the journal, because they failed before they had the lock, are recorded as well.
    """
    adopt(connection, run.settings.home)
    journal.append(run.settings.home, "runs", **as_event(run), state="running", error=None)
    connection.execute("update ops.run set state = 'died', error = $died where state = 'running'", {"died": DIED})
    # A run that finds the warehouse damaged begins twice.
    connection.execute("delete from ops.run where run_id = $run_id", {"run_id": run.run_id})
    insert(connection, {**as_event(run), "state": "running"})


def adopt(connection: duckdb.DuckDBPyConnection, home: Path) -> None:
    """Append to the ledger the runs of the journal that it lacks. One still running has died."""
    for event in fold(journal.find(connection, home, "runs", "(json->>'run_id') not in (select run_id from ops.run)")):
        is_dead = event["state"] == "running"
        ended = {"state": "died", "error": DIED} if is_dead else {"finished_at": event["written_at"]}
        insert(connection, {**event, **ended})


def insert(connection: duckdb.DuckDBPyConnection, event: dict[str, Any]) -> None:
    """Append a run to the ledger; columns that `event` lacks are NULL."""
    columns = [name for (name, *_) in connection.execute("describe ops.run").fetchall() if name in event]
    cells = {name: _as_cell(event[name]) for name in columns}
    connection.execute(
        f"insert into ops.run ({', '.join(columns)}) values ({', '.join(f'${name}' for name in columns)})", cells
    )


def require_one_world(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Raise UsageError where the warehouse holds simulated rows and the run brings real ones, or the reverse.

    Both number their tokens from 1: a real call would be scored on a simulated price, and no page would show it.
    """
    row = connection.execute(
        """
        select source
        from ops.snapshot
        inner join ops.run as run using (run_id, source)
        where run.is_simulated <> $is_simulated and n_new > 0
        limit 1
        """,
        {"is_simulated": run.source.is_simulated},
    ).fetchone()
    if row is not None:
        raise UsageError(
            f"{run.settings.home} holds what the source {row[0]} delivered; {run.source.name} cannot be added to it, "
            "because simulated and real tokens must not be mixed. "
            "Set TRACKRECORD_HOME to another folder and run again; nothing was changed."
        )


def finish(connection: duckdb.DuckDBPyConnection, run: Run, state: str, error: str | None) -> None:
    """Record how a run ended."""
    connection.execute(
        "update ops.run set state = $state, error = $error, finished_at = $now where run_id = $run_id",
        {"state": state, "error": error, "now": utc_now(), "run_id": run.run_id},
    )
    keep_record(connection, run)


def keep_record(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Update the ledger with what the run has done so far."""
    connection.execute(
        "update ops.run set as_of = $as_of, inputs = $inputs, counts = $counts, durations = $durations "
        "where run_id = $run_id",
        {
            "run_id": run.run_id,
            # The as-of moment of a live run that waited for the lock was moved to the last build's.
            "as_of": run.as_of,
            "inputs": json.dumps(run.record.inputs),
            "counts": json.dumps(run.record.counts),
            "durations": json.dumps(run.record.durations),
        },
    )


def as_event(run: Run) -> dict[str, Any]:
    """The manifest of a run, for the ledger and the journal."""
    return {
        "run_id": run.run_id,
        "flow_run_id": run.flow_run_id,
        "source": run.source.name,
        "vendor": run.source.vendor,
        "input": run.input,
        "request_kind": run.request_kind,
        "as_of": run.as_of,
        "is_replay": run.is_replay,
        "is_simulated": run.source.is_simulated,
        "started_at": run.fetched_at,
        "version": version("trackrecord"),
        "scoring_hash": scoring_hash(run.settings),
        "git_commit": git_commit(),
        "python_version": platform.python_version(),
        "duckdb_version": duckdb.__version__,
        "settings_hash": run.settings.settings_hash,
        "inputs": run.record.inputs,
        "counts": run.record.counts,
        "durations": run.record.durations,
    }


@cache
def git_commit() -> str | None:
    """The commit that is checked out; None where this is no checkout of git."""
    if not (ROOT / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def fold(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One event a run, merged from all of its own, in the order of the first. One still `running` has died or runs."""
    folded: dict[str, dict[str, Any]] = {}
    for event in events:
        folded[event["run_id"]] = folded.get(event["run_id"], {}) | event
    return list(folded.values())


def _as_cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value


def keep_weekly_history(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Append to the histories what their tables hold, the first time in each ISO week of the as-of moment."""
    prepare_history(connection)
    for history, table in HISTORIES.items():
        connection.execute(
            f"""
            insert into {history} by name
            select $as_of::timestamp as published_as_of, * from {table}
            where not exists (
                from {history}
                where date_trunc('week', published_as_of) = date_trunc('week', $as_of::timestamp)
            )
            """,
            {"as_of": run.as_of},
        )


def prepare_history(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the histories, or add the columns that their tables have got since."""
    for history, table in HISTORIES.items():
        connection.execute(
            f"create table if not exists {history} as select null::timestamp as published_as_of, * from {table} limit 0"
        )
        present = {name for (name, *_) in connection.execute(f"describe {history}").fetchall()}
        for name, kind, *_ in connection.execute(f"describe {table}").fetchall():
            if name not in present:
                connection.execute(f"alter table {history} add column {name} {kind}")


def settle_history(connection: duckdb.DuckDBPyConnection, home: Path) -> None:
    """Delete what was never published from the histories, and copy the rest to the journal.

    A run that died before its publish leaves such rows. Call it once the publishes are adopted.
    """
    for history in filter(lambda name: has_table(connection, name), HISTORIES):
        connection.execute(f"delete from {history} where published_as_of not in (select as_of from ops.publish)")
        for (moment,) in connection.execute(f"select distinct published_as_of from {history}").fetchall():
            path = history_file(home, history, moment)
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                partial = path.with_suffix(".partial")
                connection.execute(
                    f"copy (from {history} where published_as_of = '{moment}') "
                    f"to {literal(str(partial))} (format parquet)"
                )
                os.replace(partial, path)


def restore_history(connection: duckdb.DuckDBPyConnection, home: Path) -> None:
    """Fill the histories from the journal's copies of what was published."""
    for history in HISTORIES:
        paths = sorted(_history_folder(home, history).glob("*.parquet"))
        if paths:
            connection.execute(
                f"create or replace table {history} as from read_parquet($paths, union_by_name = true) "
                "where published_as_of in (select as_of from ops.publish)",
                {"paths": [str(path) for path in paths]},
            )


def has_table(connection: duckdb.DuckDBPyConnection, name: str, database: str | None = None) -> bool:
    """Whether a database, the current one unless named, has a table of that name (`schema.table`)."""
    row = connection.execute(
        "select count(*) from duckdb_tables() where schema_name || '.' || table_name = $name "
        "and database_name = coalesce($database, current_database())",
        {"name": name, "database": database},
    ).fetchone()
    return row == (1,)


def history_file(home: Path, history: str, moment: datetime) -> Path:
    """The journal's file of a history's rows as published at a moment."""
    return _history_folder(home, history) / f"{moment:%Y%m%dT%H%M%S%f}.parquet"


def _history_folder(home: Path, history: str) -> Path:
    return home / "journal" / history.split(".")[1]


def record_results(
    connection: duckdb.DuckDBPyConnection,
    run_id: str,
    results: tuple[RuleResult, ...],
    *,
    gate: str,
    snapshot_id: int | None = None,
) -> None:
    """Store the results of a gate: `snapshot` before one enters `core`, or `marts` before the publish."""
    connection.executemany(
        "insert into ops.validation values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                run_id,
                snapshot_id,
                gate,
                result.dataset,
                result.rule,
                result.severity,
                result.reason,
                result.is_passed,
                result.is_accepted,
                result.n_checked,
                result.n_failed,
                result.example,
            )
            for result in results
        ],
    )
