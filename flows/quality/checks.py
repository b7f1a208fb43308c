"""The second gate: the built tables are held to `sql/checks/` before they are published.

A check is one select of offending rows. The file's name is the rule's, its header says how much it matters
(`-- Severity: critical` or `warning`) and why. That a table's rows are what its header says is checked for each.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast, get_args

import duckdb

from flows.errors import WarehouseError
from flows.quality.results import RuleResult, shorten
from flows.quality.rules import Severity

DATASET = "marts"


def run_checks(connection: duckdb.DuckDBPyConnection, folder: Path) -> tuple[RuleResult, ...]:
    """Run every check of a folder, by name.

    Raises WarehouseError where a check has no severity, no reason, or cannot be run.
    """
    return tuple(_run(connection, path) for path in sorted(folder.glob("*.sql")))


def run_grain_checks(
    connection: duckdb.DuckDBPyConnection, grains: Mapping[str, tuple[str, ...]]
) -> tuple[RuleResult, ...]:
    """Hold every table to the grain that its model's header claims.

    Raises WarehouseError where a grain names a column that is not there.
    """
    return tuple(
        _look(
            connection,
            f"grain_of_{table.replace('.', '_')}",
            f"select {', '.join(grain)}, count(*) as n_rows from {table} group by all having count(*) > 1",
            "critical",
            f"Two rows of {table} have the same key ({', '.join(grain)}): readers would count one thing twice.",
        )
        for table, grain in sorted(grains.items())
    )


def _run(connection: duckdb.DuckDBPyConnection, path: Path) -> RuleResult:
    text = path.read_text(encoding="utf-8")
    severity, reason = _header(path, text)
    return _look(connection, path.stem, text, severity, reason)


def _look(connection: duckdb.DuckDBPyConnection, rule: str, select: str, severity: Severity, reason: str) -> RuleResult:
    """What a select of offending rows finds."""
    try:
        # Once into a table, because counting and showing would run a heavy check twice.
        connection.execute(f"create or replace temporary table offender as {select}")
    except duckdb.IOException:
        # The disk's fault, or the file's: neither the check's nor the model's.
        raise
    except duckdb.Error as error:
        raise WarehouseError(
            f"The check {rule} cannot be run: {str(error).splitlines()[0]} Mend it or the model it looks at."
        ) from error
    n_failed, example = _offenders(connection)
    return RuleResult(
        dataset=DATASET,
        rule=rule,
        severity=severity,
        reason=reason,
        is_passed=n_failed == 0,
        is_accepted=False,
        n_checked=None,
        n_failed=n_failed,
        example=example,
    )


def _offenders(connection: duckdb.DuckDBPyConnection) -> tuple[int, str | None]:
    row = connection.execute("select count(*), first(to_json(offender)::varchar) from offender").fetchone()
    connection.execute("drop table offender")
    assert row is not None
    return int(row[0]), _told(row[1]) if row[1] else None


def _told(row: str) -> str:
    return shorten(", ".join(f"{name} = {value}" for name, value in json.loads(row).items()))


def _header(path: Path, text: str) -> tuple[Severity, str]:
    """The severity and the reason, from the comment lines at the top."""
    severity, words = None, []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        comment = line.removeprefix("--").strip()
        if comment.lower().startswith("severity:"):
            severity = comment.split(":", 1)[1].strip().lower()
        elif comment:
            words.append(comment)
    if severity not in get_args(Severity) or not words:
        raise WarehouseError(
            f"{path} must begin with comments: '-- Severity: critical' or 'warning', and a sentence of reason."
        )
    return cast(Severity, severity), " ".join(words)
