"""Fetching needs no lock: a fetch without a build waits and is loaded once, with its own fetched_at and as_of."""

from datetime import timedelta
from pathlib import Path
from unittest import mock

import duckdb
import pytest

from flows import pipeline
from flows.config import Settings
from flows.devserver import DevServer
from flows.errors import LockHeld
from flows.home.lock import hold_lock
from flows.run import Run, start_run
from flows.sources.tokenmetrics import TokenMetricsSource
from flows.warehouse import backlog
from flows.warehouse.adoption import adopt_journal
from flows.warehouse.connection import open_warehouse
from flows.warehouse.restore import restore_from_raw
from flows.warehouse.snapshots import supersede, take_snapshot
from tests.product import _pass_all
from tests.tokenmetrics.desk import settings_for

DAILY = {
    "skip": "moonshot-tokens,indices,indices-holdings,indices-performance,sentiments,correlation",
    "history_days": 3,
}


def run_of(server: DevServer, home: Path, **more: object) -> Run:
    source = TokenMetricsSource(settings_for(server, **DAILY))
    return start_run(source, Settings(home=home, _env_file=None), **more)  # type: ignore[arg-type]


def take_up(run: Run) -> list[tuple[str, int]]:
    """Load waiting fetches without the gate; return the datasets and their new rows, in order."""
    with open_warehouse(run.settings) as connection, mock.patch("flows.warehouse.snapshots.judge", _pass_all):
        return [
            (one.dataset, one.n_new)
            for its_run, kept in backlog.unloaded(connection, run)
            for one in (take_snapshot(connection, its_run, kept, suites=None),)  # type: ignore[arg-type]
        ]


@pytest.fixture
def live() -> DevServer:
    with DevServer() as server:
        yield server  # type: ignore[misc]


def test_what_was_fetched_twice_without_a_build_is_loaded_in_order_and_once(live: DevServer, tmp_path: Path) -> None:
    night = run_of(live, tmp_path)
    pipeline.fetch(night)
    hour = run_of(live, tmp_path, timeframes=("1h",))
    pipeline.fetch(hour)
    loaded = take_up(run_of(live, tmp_path))
    names = [name for name, _ in loaded]
    assert names[:3] == ["tokens", "prices", "signals"]
    assert names[-2:] == ["prices", "signals"]
    assert dict(loaded[:6])["prices"] > 0
    assert take_up(run_of(live, tmp_path)) == []
    with duckdb.connect(str(night.settings.warehouse)) as connection:
        rows = connection.sql("select distinct as_of, fetched_at, extent from ops.snapshot order by as_of").fetchall()
    assert rows == [(night.as_of, night.fetched_at, None), (hour.as_of, hour.fetched_at, "1h")]


def test_an_hour_that_finds_the_lock_taken_is_kept_for_the_next_build(live: DevServer, tmp_path: Path) -> None:
    with hold_lock(tmp_path, "a nightly at work"):
        assert pipeline.hourly_job(run_of(live, tmp_path, timeframes=("1h",)), holder="a test", wait_seconds=0) is None
    assert tuple(name for name, _ in take_up(run_of(live, tmp_path)))[-2:] == ("prices", "signals")


def test_a_nightly_that_finds_the_lock_taken_reports_it_and_is_kept_too(live: DevServer, tmp_path: Path) -> None:
    with hold_lock(tmp_path, "an hourly run at work"), pytest.raises(LockHeld):
        pipeline.main_job(run_of(live, tmp_path), holder="a test", wait_seconds=0)
    assert "signals" in dict(take_up(run_of(live, tmp_path)))


def test_a_parser_mended_today_reads_yesterdays_bytes(live: DevServer, tmp_path: Path) -> None:
    """The bytes are parsed again with the fetch's own times and without a request; the old rows stay."""
    run = run_of(live, tmp_path)
    with mock.patch("flows.sources.tokenmetrics.parse.side", return_value=0):
        pipeline.fetch(run)
        take_up(run)
    count = (
        "select count(*) from raw.signals inner join ops.snapshot using (snapshot_id) "
        "where superseded_by is null and (direction <> 0 or trend <> 0)"
    )
    raw = "from raw.signals order by snapshot_id, row_number"
    ledger = "select snapshot_id, dataset, sha256, as_of, n_new, superseded_by from ops.snapshot order by all"
    n_calls = len(live.calls)
    with open_warehouse(run.settings) as connection:
        assert connection.sql(count).fetchall() == [(0,)]
        misread = connection.sql(raw).fetchall()
        for its_run, kept in backlog.fetched_between(run, run.as_of.date(), run.as_of.date()):
            supersede(connection, its_run, kept)
    take_up(run)
    with open_warehouse(run.settings) as connection:
        ((n_mended,),) = connection.sql(count).fetchall()
        assert n_mended > 10
        assert connection.sql("select distinct as_of from ops.snapshot").fetchall() == [(run.as_of,)]
        found = connection.sql(raw).fetchall()
        assert found[: len(misread)] == misread
        rows = connection.sql(ledger).fetchall()
    assert len(live.calls) == n_calls
    assert take_up(run) == []

    restore_from_raw(run.settings, is_built=False)
    with open_warehouse(run.settings) as connection:
        assert connection.sql(ledger).fetchall() == rows
        assert connection.sql(count).fetchall() == [(n_mended,)]


def test_calls_drift_and_bodies_reach_the_warehouse_once(live: DevServer, tmp_path: Path) -> None:
    run = run_of(live, tmp_path)
    pipeline.fetch(run)
    with open_warehouse(run.settings) as connection:
        adopt_journal(connection, tmp_path)
        adopt_journal(connection, tmp_path)
        rows = connection.sql(
            "select count(*), count(distinct request_id), any_value(run_id) from ops.request"
        ).fetchall()
        assert rows == [(len(live.calls), len(live.calls), run.run_id)]
        ((n_bodies,),) = connection.sql("select count(distinct file) from ops.raw_body").fetchall()
        kept = {
            str(path.relative_to(tmp_path))
            for path in (tmp_path / "raw").rglob("*")
            if path.suffix in (".gz", ".json", ".jsonl")
        }
        assert n_bodies == len(kept)
        prices = connection.sql(
            f"select unnest(data).CURRENT_PRICE from read_json('{tmp_path}/raw/price/*.gz')"
        ).fetchall()
        assert len(prices) == 12


def test_bytes_of_one_fetch_are_distinguished_from_those_of_the_next(live: DevServer, tmp_path: Path) -> None:
    first, second = run_of(live, tmp_path), run_of(live, tmp_path)
    for run in (first, second):
        pipeline.fetch(run)
    assert second.as_of - first.as_of < timedelta(minutes=5)
    loaded = take_up(run_of(live, tmp_path))
    assert [new for name, new in loaded[len(loaded) // 2 :] if name != "tokens"] == [0] * (len(loaded) // 2 - 1)
