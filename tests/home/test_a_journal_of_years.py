"""A large journal is read from its end, and no line is missed."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.config import SQL_DIR
from flows.home import journal
from flows.sources.tokenmetrics import ledger
from flows.warehouse.adoption import adopt_journal

N_OLD = 12_000
NOW = datetime(2026, 11, 22, 7, 30)


def call(number: int, at: datetime, endpoint: str = "tokens") -> dict[str, Any]:
    """One call as the client writes it; about three hundred bytes."""
    return {
        "written_at": at,
        "run_id": "run",
        "request_id": f"{number:032x}",
        "endpoint": endpoint,
        "params": {"token_id": "3375,3306", "limit": "100", "page": "1"},
        "status": 200,
        "fault": None,
        "attempt": 1,
        "n_bytes": 12_345,
        "latency_ms": 1.5,
        "server_request_id": None,
        "requested_at": at,
    }


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Fifty months of calls, about four megabytes; the last of them 40 days old."""
    last = NOW - timedelta(days=40)
    old = [call(number, last - timedelta(hours=3 * (N_OLD - number))) for number in range(N_OLD)]
    journal.append_all(tmp_path, ledger.KIND, old)
    return tmp_path


def ledger_of(home: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(home / "warehouse.duckdb"))
    connection.execute("create schema if not exists ops")
    connection.execute((SQL_DIR / "ops" / "tables.sql").read_text(encoding="utf-8"))
    return connection


def n_bodies(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return connection.execute("select count(*), count(distinct request_id) from ops.request").fetchall()


@pytest.mark.parametrize("n_new", [1, 3_000, 9_000])
def test_every_line_reaches_the_warehouse_once_however_many_are_new(home: Path, n_new: int) -> None:
    """3,000 new lines exceed the first block read from the end, 9,000 the second."""
    with ledger_of(home) as connection:
        adopt_journal(connection, home)
        assert n_bodies(connection) == [(N_OLD, N_OLD)]
        with (home / "journal" / "requests.jsonl").open("ab") as file:
            file.write(b'{"written_at": "2026-11-22T07:29:00", "request_id": "torn by a crash')
        journal.append_all(home, ledger.KIND, [call(N_OLD + number, NOW) for number in range(n_new)])
        for _ in range(2):
            adopt_journal(connection, home)
            assert n_bodies(connection) == [(N_OLD + n_new, N_OLD + n_new)]


def test_a_warehouse_made_anew_holds_all_of_it(home: Path) -> None:
    with ledger_of(home) as connection:
        adopt_journal(connection, home)
    (home / "warehouse.duckdb").unlink()
    journal.append_all(home, ledger.KIND, [call(N_OLD, NOW)])
    with ledger_of(home) as connection:
        adopt_journal(connection, home)
        assert n_bodies(connection) == [(N_OLD + 1, N_OLD + 1)]


def test_a_body_that_was_kept_again_hides_none_before_it(tmp_path: Path) -> None:
    """The newest line's file is known from an older line, but the lines between the two are new."""

    def body(name: str) -> dict[str, Any]:
        entry = {"file": f"raw/tokens/{name}.gz", "dataset": "tokens", "source": "s", "name": name}
        return {**entry, "request": {"pad": "x" * 300}, "sha256": name, "n_bytes": 1}

    with ledger_of(tmp_path) as connection:
        journal.append_all(tmp_path, "raw", [body("again")])
        adopt_journal(connection, tmp_path)
        journal.append_all(tmp_path, "raw", [body(f"{number}") for number in range(4_000)])
        journal.append_all(tmp_path, "raw", [body("again") for _ in range(4_000)])
        adopt_journal(connection, tmp_path)
        assert connection.execute("select count(distinct file) from ops.raw_body").fetchall() == [(4_001,)]


def test_a_month_is_counted_whole_and_read_alone(home: Path) -> None:
    first = datetime(2026, 11, 1)
    journal.append_all(
        home, ledger.KIND, [call(N_OLD + number, first + timedelta(hours=number)) for number in range(500)]
    )
    path = home / "journal" / "requests.jsonl"
    assert ledger.credits_spent(home, NOW) == 500
    assert ledger.credits_spent(home, datetime(2024, 3, 5)) == 31 * 8
    start = journal.start_since(path, lambda event: event["written_at"] < "2026-11")
    assert path.stat().st_size - start <= journal.FIRST_LOOK


def test_what_answered_of_late_is_remembered_and_what_did_years_ago_is_not(home: Path) -> None:
    assert ledger.answered_at(home, "tokens", NOW) == f"{NOW - timedelta(days=40, hours=3):%Y-%m-%d}"
    assert ledger.answered_at(home, "tokens", NOW + timedelta(days=365)) is None
    assert ledger.answered_at(home, "price", NOW) is None
