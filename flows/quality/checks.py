"""The second gate: the built tables are checked by `sql/checks/` before they are published.

A check is one select of offending rows. The file's name is the rule's, its header gives the severity
(`-- Severity: critical` or `warning`) and the reason. The grain that a model's header declares is checked as well.
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
    """Check every table for the grain that its model's header declares.

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
        # Stored in a table, because counting and showing an example would run a heavy check twice.
        connection.execute(f"create or replace temporary table offender as {select}")
    except duckdb.IOException:
        # A fault of the disk or the file, not of the check or the model.
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
    return int(row[0]), _shown(row[1]) if row[1] else None


def _shown(row: str) -> str:
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
