"""The second gate: each file is one select of offending rows, with severity and reason in its header."""

from pathlib import Path

import duckdb
import pytest

from flows.errors import WarehouseError
from flows.quality.checks import run_checks, run_grain_checks

HEADER = "-- A rate is a share.\n-- Severity: critical\n-- Look at the model that divides.\n"


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("create schema marts")
    connection.execute(
        "create table marts.card as select * from (values ('a', 0.5), ('b', 1.5), ('c', 7)) t(name, rate)"
    )
    return connection


def test_offending_rows_fail_the_check_with_count_and_example(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "rate_in_range.sql").write_text(f"{HEADER}select * from marts.card where rate > 1 order by name;\n")

    (result,) = run_checks(connection, tmp_path)

    assert (result.rule, result.severity, result.is_passed, result.n_failed) == (
        "rate_in_range",
        "critical",
        False,
        2,
    )
    assert result.reason == "A rate is a share. Look at the model that divides."
    assert result.example == "name = b, rate = 1.5"
    assert result.is_stop


def test_a_check_without_offending_rows_passes(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "rate_in_range.sql").write_text(f"{HEADER}select * from marts.card where rate > 9\n")

    (result,) = run_checks(connection, tmp_path)

    assert result.is_passed
    assert result.example is None
    assert not result.is_stop


def test_checks_run_in_the_order_of_their_names(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.sql").write_text(f"{HEADER.replace('critical', 'warning')}select 1 as one")

    assert [(result.rule, result.is_stop) for result in run_checks(connection, tmp_path)] == [
        ("a", False),
        ("b", False),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "select 1",
        "-- Severity: critical\nselect 1",
        "-- Why.\nselect 1",
        "-- Why.\n-- Severity: fatal\nselect 1",
    ],
)
def test_a_check_that_does_not_state_its_consequence_and_reason_is_refused(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, text: str
) -> None:
    (tmp_path / "odd.sql").write_text(text)

    with pytest.raises(WarehouseError, match="must begin with comments"):
        run_checks(connection, tmp_path)


def test_a_check_that_cannot_run_is_an_error_and_not_a_pass(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "odd.sql").write_text(f"{HEADER}select * from marts.missing")

    with pytest.raises(WarehouseError, match="The check odd cannot be run"):
        run_checks(connection, tmp_path)


def test_a_table_that_holds_a_key_twice_breaks_its_grain(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("insert into marts.card values ('b', 0.2)")

    by_name, by_both = run_grain_checks(connection, {"marts.card": ("name",)}) + run_grain_checks(
        connection, {"marts.card": ("name", "rate")}
    )

    assert (by_name.is_stop, by_name.n_failed, by_name.example) == (True, 1, "name = b, n_rows = 2")
    assert by_both.is_passed
