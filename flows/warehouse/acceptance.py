"""Publishing in spite of a gate that stopped: on purpose, by name, recorded for ever."""

from pathlib import Path

import duckdb

from flows.errors import UsageError
from flows.quality.rules import ACCEPTABLE
from flows.warehouse import journal
from flows.warehouse.clock import utc_now


def accept(connection: duckdb.DuckDBPyConnection, home: Path, *, rule: str, snapshot_id: int, reason: str) -> None:
    """Record that a rule is waived for the bytes of one snapshot, in the journal first.

    Raises UsageError where the rule did not fail on such a snapshot, cannot be waived, or no reason is given.
    """
    if rule not in ACCEPTABLE:
        raise UsageError(f"{rule} cannot be accepted; what can is {', '.join(sorted(ACCEPTABLE))}.")
    if not reason.strip():
        raise UsageError("--reason must say why; it is kept for ever.")
    row = connection.execute(
        """
        select dataset, sha256, exists (
            from ops.validation as found
            where found.snapshot_id = snapshot.snapshot_id and found.rule = $rule and not found.is_passed
        )
        from ops.snapshot as snapshot
        where snapshot_id = $id
        """,
        {"id": snapshot_id, "rule": rule},
    ).fetchone()
    if row is None or not row[2]:
        told = f"{rule} passed it" if row else "there is no such snapshot"
        raise UsageError(f"There is nothing to accept for {rule} in snapshot {snapshot_id}: {told}.")
    event = {"rule": rule, "snapshot_id": snapshot_id, "dataset": row[0], "sha256": row[1], "reason": reason}
    journal.append(home, "acceptances", **event)
    connection.execute(
        "insert into ops.acceptance values ($rule, $snapshot_id, $dataset, $sha256, $reason, $now)",
        {**event, "now": utc_now()},
    )
