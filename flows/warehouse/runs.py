"""The ledger of runs: when each began, at which moment it lived, and how it ended."""

from importlib.metadata import version
from typing import Any

import duckdb

from flows.errors import UsageError
from flows.quality.results import RuleResult
from flows.run import Run
from flows.warehouse.clock import utc_now


def begin(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Record a run as running. The lock is ours, so any other that says so has died."""
    connection.execute(
        "update ops.run set state = 'died', error = 'the process ended without a word' where state = 'running'"
    )
    connection.execute(
        "insert into ops.run by name select $run_id as run_id, $source as source, $vendor as vendor, $input as input, "
        "$as_of::timestamp as as_of, $is_replay as is_replay, $is_simulated as is_simulated, "
        "$started_at::timestamp as started_at, 'running' as state, $version as version, "
        "$scoring_hash as scoring_hash",
        as_event(run),
    )


def require_one_world(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Raise UsageError where the warehouse holds simulated rows and the run brings real ones, or the reverse.

    Both number their tokens from 1: a real call would be scored on a simulated price, and no page would say so.
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


def as_event(run: Run) -> dict[str, Any]:
    """What the ledger and the journal say of a run."""
    return {
        "run_id": run.run_id,
        "source": run.source.name,
        "vendor": run.source.vendor,
        "input": run.input,
        "as_of": run.as_of,
        "is_replay": run.is_replay,
        "is_simulated": run.source.is_simulated,
        "started_at": run.fetched_at,
        "version": version("trackrecord"),
        "scoring_hash": run.settings.scoring_hash,
    }


def keep_weekly_scorecard(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Append the scorecard to its history, the first time in each ISO week of the as-of moment."""
    connection.execute(
        """
        create table if not exists marts.scorecard_history as
        select $as_of::timestamp as published_as_of, * from marts.signal_scorecard limit 0
        """,
        {"as_of": run.as_of},
    )
    connection.execute(
        """
        insert into marts.scorecard_history by name
        select $as_of::timestamp as published_as_of, * from marts.signal_scorecard
        where not exists (
            from marts.scorecard_history
            where date_trunc('week', published_as_of) = date_trunc('week', $as_of::timestamp)
        )
        """,
        {"as_of": run.as_of},
    )


def record_results(
    connection: duckdb.DuckDBPyConnection,
    run: Run,
    results: tuple[RuleResult, ...],
    *,
    gate: str,
    snapshot_id: int | None = None,
) -> None:
    """Keep what a gate found: `snapshot` for one snapshot before it enters `core`, or `marts` before the publish."""
    connection.executemany(
        "insert into ops.validation values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                run.run_id,
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
