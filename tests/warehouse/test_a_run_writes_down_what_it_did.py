"""What `ops` records of a run is what the run did: its inputs, what the gate found, what was kept and published."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from importlib.metadata import version

import duckdb
import pytest

from flows.clock import utc_now
from flows.config import ROOT
from flows.delivery.delivery import Delivery, write
from flows.errors import TrackrecordError
from flows.home import journal
from flows.home.raw_store import Kept
from flows.run import Run
from flows.warehouse import runs
from flows.warehouse.acceptance import accept
from flows.warehouse.connection import open_warehouse
from flows.warehouse.fingerprint import scoring_hash
from flows.warehouse.migrate import newest_version
from flows.warehouse.snapshots import supersede
from tests.exact import During, expect, expect_same
from tests.product import make_run, run_main_job
from tests.warehouse import market
from tests.warehouse.conftest import empty_scene
from tests.warehouse.scene import Scene, day, moment

DATASETS = ("tokens", "prices", "signals", "levels", "grades", "quantmetrics")
SPIKE = (
    "The close is more than five times, or less than a fifth of, the closes on both sides, and the next open does not "
    "agree with it: a bad print; correct it, or accept the rule for this snapshot when the price was real."
)
AT = datetime(2026, 1, 10, 8)


@dataclass(frozen=True)
class Ran:
    """A run that has published, the moments between which it ran, and the published file."""

    scene: Scene
    run: Run
    during: During
    file: duckdb.DuckDBPyConnection

    def sha256(self, dataset: str) -> str:
        return hashlib.sha256((self.scene.folder / f"{dataset}.parquet").read_bytes()).hexdigest()

    def n_bytes(self, dataset: str) -> int:
        return (self.scene.folder / f"{dataset}.parquet").stat().st_size


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """The market's first night by the whole of the main job, with a bad print on the 9th of token 4.

    Before it the journal holds a call to a vendor, of a change of its answers, and of a digest under way.
    """
    with empty_scene(tmp_path_factory.mktemp("run")) as scene:
        market.lay_out(scene)
        scene.replace_bar(4, "2026-01-09", (10, 1000, 10, 1000))
        scene.write(None)
        home = scene.settings.home
        first = utc_now()
        journal.append(
            home, "requests", run_id="r", request_id="q", endpoint="prices", params={"limit": 5}, status=429,
            fault="rate_limited", attempt=2, n_bytes=17, latency_ms=12.5, server_request_id="s", requested_at=AT,
        )  # fmt: skip
        journal.append(
            home, "drift", run_id="r", source="tokenmetrics", endpoint="prices", field="mood", what="new", n_rows=3,
            example="7",
        )  # fmt: skip
        write(home, Delivery("2026-W02", "mail", "b" * 64, "delivered", 2, 3, 1, AT, day("11"), day("12"), "arrived"))
        run = replace(
            make_run(scene.folder, scene.settings, as_of=moment(market.FIRST_NIGHT)),
            flow_run_id="flow",
            since=date(2026, 1, 1),
            until=date(2026, 1, 10),
        )
        run_main_job(run)
        with duckdb.connect(str(scene.settings.published), read_only=True) as file:
            yield Ran(scene, run, During(first, utc_now()), file)


def test_the_run(ran: Ran) -> None:
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    inputs = [
        {"dataset": name, "sha256": ran.sha256(name), "n_bytes": ran.n_bytes(name), "names": [f"{name}.parquet"]}
        for name in DATASETS
    ]
    counts = {"n_rows": 118, "n_new": 116, "n_quarantined": 2, "outcomes_moved": 0, "is_full_build": 1}
    expect(
        ran.file,
        "ops.run",
        "run_id, flow_run_id, source, vendor, input, as_of, is_replay, is_simulated, started_at, finished_at, state, "
        "error, version, scoring_hash, git_commit, python_version, duckdb_version, settings_hash, inputs, counts",
        (
            ran.run.run_id,
            "flow",
            "files",
            "vendor",
            str(ran.scene.folder),
            day("11T00:20"),
            False,
            False,
            day("11T00:20"),
            ran.during,
            "published",
            None,
            version("trackrecord"),
            scoring_hash(ran.scene.settings),
            commit or None,
            platform.python_version(),
            duckdb.__version__,
            ran.scene.settings.settings_hash,
            json.dumps(inputs),
            json.dumps(counts),
        ),
    )


def test_the_build(ran: Ran) -> None:
    """66 daily windows less the two bars of token 4 that wait, and 10 hourly ones."""
    expect(
        ran.file,
        "ops.build",
        "run_id, as_of, last_snapshot_id, n_usable_snapshots, scoring_hash, is_full, reason, n_windows_computed, "
        "n_outcomes_moved",
        (
            ran.run.run_id,
            day("11T00:20"),
            6,
            6,
            scoring_hash(ran.scene.settings),
            True,
            "there is no finished build",
            68,
            0,
        ),
    )


def test_the_snapshots(ran: Ran) -> None:
    """The two bars of token 4 that are not there yet are the bad print and the one after it, which waits."""
    every, run_id, at = [1, 2, 3, 4, 5, 6], ran.run.run_id, day("11T00:20")
    expect(
        ran.file,
        "ops.snapshot",
        "snapshot_id, run_id, dataset, source, vendor, as_of, fetched_at, is_replay, n_rows, n_tokens, n_new, "
        "n_quarantined, n_hidden, n_preliminary, token_ids, state, extent, request_kind",
        (1, run_id, "tokens", "files", "vendor", at, at, False, 6, 6, 6, 0, 0, 0, every, "passed", "days", "days"),
        (2, run_id, "prices", "files", "vendor", at, at, False, 69, 6, 67, 2, 0, 0, every, "passed", "days", "days"),
        (3, run_id, "signals", "files", "vendor", at, at, False, 31, 6, 31, 0, 0, 0, every, "passed", "days", "days"),
        (4, run_id, "levels", "files", "vendor", at, at, False, 4, 1, 4, 0, 0, 0, [1], "passed", "days", "days"),
        where="snapshot_id <= 4",
    )
    expect(
        ran.file,
        "ops.snapshot",
        "dataset, sha256, n_bytes",
        ("prices", ran.sha256("prices"), ran.n_bytes("prices")),
        ("signals", ran.sha256("signals"), ran.n_bytes("signals")),
        where="snapshot_id in (2, 3)",
    )


def test_what_the_gate_found(ran: Ran) -> None:
    run_id = ran.run.run_id
    expect(
        ran.file,
        "ops.validation",
        "run_id, snapshot_id, gate, dataset, rule, severity, reason, is_passed, is_accepted, n_checked, n_failed, "
        "example",
        (
            run_id,
            2,
            "snapshot",
            "prices",
            "spike",
            "critical",
            SPIKE,
            False,
            False,
            69,
            1,
            'prices.parquet, row 39 (times_neighbours = 100.0): {"row_number":39,"token_id":4,"timeframe":"1d",'
            '"bar_start":"2026-01-09 00:00:00","open":10,"high":1000,"low":10,"close":1000.0,'
            '"volume_usd":1000000.0,"price_source":null}',
        ),
        where="rule = 'spike'",
    )
    expect(
        ran.file,
        "ops.quarantine",
        "snapshot_id, dataset, row_number, rule, reason, raw_row",
        (
            2,
            "prices",
            39,
            "spike",
            SPIKE,
            '{"token_id":"4","timeframe":"1d","bar_start":"2026-01-09 00:00:00","open":"10","high":"1000","low":"10",'
            '"close":"1000.0","volume_usd":"1000000.0","price_source":null}',
        ),
        where="rule = 'spike'",
    )


def test_what_was_kept_and_asked_and_sent(ran: Ran) -> None:
    expect(
        ran.file,
        "ops.raw_body",
        "file, dataset, source, name, request, sha256, n_bytes, kept_at",
        (
            f"raw/grades/{ran.sha256('grades')}.parquet",
            "grades",
            "files",
            "grades.parquet",
            "{}",
            ran.sha256("grades"),
            ran.n_bytes("grades"),
            ran.during,
        ),
        where="dataset = 'grades'",
    )
    expect(
        ran.file,
        "ops.request",
        "run_id, request_id, endpoint, params, status, fault, attempt, n_bytes, latency_ms, server_request_id, "
        "requested_at",
        ("r", "q", "prices", '{"limit":5}', 429, "rate_limited", 2, 17, 12.5, "s", AT),
    )
    expect(
        ran.file,
        "ops.drift",
        "run_id, source, endpoint, field, what, n_rows, example, seen_at",
        ("r", "tokenmetrics", "prices", "mood", "new", 3, "7", ran.during),
    )
    expect(
        ran.file,
        "ops.delivery",
        "week, channel, body_sha256, state, n_attempts, n_parts, n_sent, enqueued_at, deadline_at, reached_at, "
        "told, message",
        ("2026-W02", "mail", "b" * 64, "delivered", 2, 3, 1, AT, day("11"), day("12"), "arrived", "arrived"),
    )


def test_the_publish(ran: Ran) -> None:
    tables = ran.file.execute(
        "select schema_name || '.' || table_name from duckdb_tables() where schema_name in ('core', 'marts', 'ops') "
        "order by all"
    ).fetchall()
    counts = {table: ran.file.execute(f"select count(*) from {table}").fetchall()[0][0] for (table,) in tables}
    expect(
        ran.file,
        "ops.publish",
        "run_id, as_of, published_at, schema_version, source, is_simulated, cost_bps, horizons, row_counts, "
        "last_snapshot_id, n_days_unrecoverable",
        (
            ran.run.run_id,
            day("11T00:20"),
            ran.during,
            1,
            "files",
            False,
            20.0,
            '{"1d": [1, 2, 3], "1h": [1, 2]}',
            json.dumps(counts),
            6,
            0,
        ),
    )
    expect(ran.file, "ops.schema_version", "version, applied_at", (newest_version(), ran.during))
    # Once a week the scorecard is kept as it stood.
    expect_same(ran.file, "marts.scorecard_history", "marts.signal_scorecard")
    expect_same(ran.file, "marts.funnel_history", "marts.signal_funnel")
    expect_same(ran.file, "marts.ranking_history", "marts.vendor_ranking")
    expect(
        ran.file,
        "marts.ranking_history",
        "published_as_of, next_open_n_calls",
        (day("11T00:20"), 3),
        where="vendor = 'v' and timeframe = '1d'",
    )
    expect(
        ran.file,
        "marts.funnel_history",
        "published_as_of, n_rows",
        (day("11T00:20"), 19),
        where="vendor = 'v' and timeframe = '1d' and step = 'delivered'",
    )
    expect(
        ran.file,
        "marts.scorecard_history",
        "published_as_of, n_calls",
        (day("11T00:20"), 3),
        where="vendor = 'v' and sector = 'all' and timeframe = '1d' and horizon = 1 and direction = 'both' "
        "and provenance = 'all' and entry_rule = 'next_open'",
    )


def test_the_days_and_looks_name_their_run(ran: Ran) -> None:
    run_id = ran.run.run_id
    expect(
        ran.file,
        "ops.day",
        "timeframe, bar_start, state, run_id",
        ("1d", day("10"), "complete", run_id),
        where="dataset = 'signals' and vendor = 'v' and timeframe = '1d'",
    )
    expect(
        ran.file,
        "ops.reread",
        "run_id, timeframe, n_rows",
        (run_id, "1d", 19),
        (run_id, "1h", 6),
        where="dataset = 'signals' and vendor = 'v'",
    )


def test_what_is_decided_afterwards(ran: Ran) -> None:
    """The bad print was a price; the grades are to be read again; and the next run finds no folder."""
    settings = ran.scene.settings
    gone = make_run(ran.scene.folder.with_name("gone"), settings, as_of=moment(market.SECOND_NIGHT))
    with pytest.raises(TrackrecordError) as error:
        run_main_job(gone)
    kept = Kept("grades", (), ran.sha256("grades"), ran.n_bytes("grades"), (), None, None)
    first = utc_now()
    with open_warehouse(settings) as warehouse:
        accept(warehouse, settings.home, rule="spike", snapshot_id=2, reason="it traded there")
        supersede(warehouse, ran.run, kept)
        runs.adopt(warehouse, settings.home)
        expect(
            warehouse,
            "ops.acceptance",
            "rule, snapshot_id, dataset, sha256, reason, accepted_at",
            ("spike", 2, "prices", ran.sha256("prices"), "it traded there", During(first, utc_now())),
        )
        expect(warehouse, "ops.snapshot", "dataset, superseded_by", ("grades", 7), where="superseded_by is not null")
        expect(warehouse, "ops.run", "state, error", ("failed", str(error.value)), where=f"run_id = '{gone.run_id}'")
