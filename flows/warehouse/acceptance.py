"""The acceptance of a rule that stopped a snapshot: on purpose, with a reason, recorded for ever."""

from pathlib import Path
from typing import Any

import duckdb

from flows.clock import utc_now
from flows.errors import UsageError
from flows.home import journal
from flows.quality.rules import ACCEPTABLE


def accept(connection: duckdb.DuckDBPyConnection, home: Path, *, rule: str, snapshot_id: int, reason: str) -> None:
    """Record that a rule is waived for the bytes of one snapshot, in the journal first.

    Raises UsageError where the rule cannot be waived, no reason is given, or no such snapshot was stopped by a
    gate, or had rows quarantined by the rule.
    """
    if rule not in ACCEPTABLE:
        raise UsageError(f"{rule} cannot be accepted; what can is {', '.join(sorted(ACCEPTABLE))}.")
    if not reason.strip():
        raise UsageError("--reason must say why; it is kept for ever.")
    row = connection.execute(
        """
        select dataset, sha256, state, exists (
            from ops.validation as result where result.snapshot_id = snapshot.snapshot_id and result.rule = $rule and
            not is_passed and not is_accepted
        )
        from ops.snapshot as snapshot
        where snapshot_id = $id
        """,
        {"id": snapshot_id, "rule": rule},
    ).fetchone()
    if row is None or not (row[2] == "stopped" or row[3]):
        problem = "there is no such snapshot" if row is None else f"it was {row[2]}, and broke no {rule}"
        raise UsageError(f"Snapshot {snapshot_id} was not stopped by a gate: {problem}.")
    event = {"rule": rule, "snapshot_id": snapshot_id, "dataset": row[0], "sha256": row[1], "reason": reason}
    journal.append(home, "acceptances", **event)
    insert_acceptance(connection, {**event, "accepted_at": utc_now()})


def insert_acceptance(connection: duckdb.DuckDBPyConnection, event: dict[str, Any]) -> None:
    """Append an acceptance to the ledger."""
    connection.execute(
        "insert into ops.acceptance by name select $rule as rule, $snapshot_id as snapshot_id, $dataset as dataset, "
        "$sha256 as sha256, $reason as reason, $accepted_at::timestamp as accepted_at",
        {name: event[name] for name in ("rule", "snapshot_id", "dataset", "sha256", "reason", "accepted_at")},
    )
