"""A lost home is restored with the same tables, from raw/ and journal/ or from a backup, and sends nothing again."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from benchmarks.panel import write_panel
from flows.home import journal
from flows.home.lock import hold_lock
from tests.point_in_time.homes import fingerprints

from .conftest import copy_of
from .desk import Desk, clean_folder

RESTATED = 200


@pytest.fixture(scope="module")
def grown_desk(published_desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk after a night with a restated, a vanished and a quarantined row, and a run stopped by a gate."""
    desk = copy_of(published_desk, tmp_path_factory.mktemp("grown"))
    signals = clean_folder()["signals"]
    signals.loc[RESTATED, "direction"] *= -1
    signals.loc[RESTATED + 50, "direction"] = 7
    desk.deliver("signals", signals.drop(index=RESTATED + 100))
    assert desk.nightly().exit_code == 0
    desk.deliver("prices", clean_folder()["prices"].query("token_id < 105"))
    assert desk.nightly().exit_code == 3
    snapshot = desk.ask_one("select max(snapshot_id) from ops.snapshot", database=desk.home / "warehouse.duckdb")
    answer = desk.run("accept", "tokens_kept", "--snapshot", str(snapshot), "--reason", "they left the market")
    assert answer.exit_code == 0, answer.err
    assert desk.nightly().exit_code == 0
    return desk


@pytest.fixture
def desk(grown_desk: Desk, tmp_path: Path) -> Desk:
    return copy_of(grown_desk, tmp_path)


def tables(desk: Desk) -> dict[str, str]:
    """Fingerprints of all appended and built tables, and of the ledger."""
    with duckdb.connect(str(desk.home / "warehouse.duckdb"), read_only=True) as warehouse:
        # A restore does not bring back a run's intermediate states or the duration of the last build.
        passing = frozenset({"ops.build", "ops.schema_version", "ops.run.finished_at", "ops.acceptance.accepted_at"})
        return fingerprints(warehouse, "raw", "core", "marts", "ops", without=passing, is_stored=True)


def set_aside(desk: Desk) -> Iterator[Path]:
    return (path for path in (desk.home / "set-aside").rglob("*") if path.is_file())


def test_the_second_night_reported_what_it_saw(desk: Desk) -> None:
    (gone,) = desk.ask("select token_id, moment_at, is_back from ops.vanished")
    row = clean_folder()["signals"].loc[RESTATED + 100]
    # A quarantined row was delivered, so it has not vanished.
    assert gone == (row["token_id"], row["signal_at"].to_pydatetime(), False)
    assert desk.ask("select kind, count(*) from marts.restatement group by all order by all") == [
        ("changed", 1),
        ("vanished", 1),
    ]
    (published, stopped, last) = desk.ask("select state, error, durations, counts, inputs, settings_hash, "
        "python_version from ops.run order by started_at")[1:]  # fmt: skip
    assert [run[0] for run in (published, stopped, last)] == ["published", "stopped", "published"]
    assert "tokens_kept" in stopped[1]
    assert list(json.loads(stopped[2])) == ["fetch", "snapshot"]
    assert {one["dataset"] for one in json.loads(stopped[4])} == {"tokens", "prices", "signals"}
    assert list(json.loads(published[2])) == ["fetch", "snapshot", "build", "check", "publish"]
    assert json.loads(published[3])["n_quarantined"] == 1
    assert all(published[5:])


def test_a_deleted_warehouse_is_made_anew_with_the_same_tables(desk: Desk) -> None:
    before = tables(desk)
    files = desk.raw_files()
    published = desk.fingerprint()
    (desk.home / "warehouse.duckdb").unlink()
    answer = desk.run("restore", "--from-raw")
    assert answer.exit_code == 0, answer.err
    assert tables(desk) == before
    assert (desk.raw_files(), desk.fingerprint()) == (files, published)
    # Without an outbox the journal may be an older copy, so open deliveries have an unknown outcome.
    assert [event["is_sent_known"] for event in journal.read(desk.home, "restores")] == [False]


def test_a_restore_waits_for_no_delivery_and_names_who_holds_the_lock(desk: Desk) -> None:
    with hold_lock(desk.home, "the delivery of 2026-W47", name="outbox.lock"):
        answer = desk.run("restore", "--from-raw")

    assert answer.exit_code == 4
    assert "the delivery of 2026-W47" in answer.err


def damage_file(desk: Desk) -> bytes:
    nonsense = b"not what DuckDB wrote" * 1000
    (desk.home / "warehouse.duckdb").write_bytes(nonsense)
    return nonsense


def damage_log(desk: Desk) -> bytes:
    """A write-ahead log with a flipped byte, as a crash and a bad disk leave it."""
    with duckdb.connect(str(desk.home / "warehouse.duckdb")) as warehouse:
        warehouse.execute("pragma disable_checkpoint_on_shutdown")
        warehouse.execute("create table work.left_behind as from range(1000)")
    log = desk.home / "warehouse.duckdb.wal"
    cells = bytearray(log.read_bytes())
    cells[len(cells) // 2] ^= 255
    log.write_bytes(cells)
    return bytes(cells)


@pytest.mark.slow
@pytest.mark.parametrize("damage", [damage_file, damage_log])
def test_a_nightly_that_finds_the_warehouse_unreadable_rebuilds_it_and_keeps_the_old_file(
    desk: Desk, damage: Callable[[Desk], bytes]
) -> None:
    before = tables(desk)
    damaged = damage(desk)
    answer = desk.nightly()
    assert answer.exit_code == 0, answer.err
    after = tables(desk)
    assert {name: after[name] for name in after if not name.startswith("ops.")} == {
        name: before[name] for name in before if not name.startswith("ops.")
    }
    assert damaged in [path.read_bytes() for path in set_aside(desk)]


def test_a_nightly_that_meets_a_damaged_block_rebuilds_the_warehouse_and_keeps_the_old_file(desk: Desk) -> None:
    """DuckDB opens such a file; the damage shows only when a run reads the block."""
    before = tables(desk)
    warehouse = desk.home / "warehouse.duckdb"
    with duckdb.connect(str(warehouse), read_only=True) as file:
        row = file.execute(
            "select block_id from pragma_storage_info('core.price_bar') where persistent and column_name = 'close'"
        ).fetchone()
    assert row is not None
    cells = bytearray(warehouse.read_bytes())
    cells[3 * 4096 + row[0] * 262_144 + 1000] ^= 255
    warehouse.write_bytes(cells)

    answer = desk.nightly()

    assert answer.exit_code == 0, answer.err
    after = tables(desk)
    for name in after:
        assert name.startswith("ops.") or after[name] == before[name], name
    # The file was written to before the block was read, so its bytes are not known, only its name.
    assert [path.name for path in set_aside(desk)] == ["warehouse.duckdb"]
    # The run has one row in the ledger.
    assert desk.ask_one("select count(*) from ops.run where state = 'published'") == 4


def test_a_run_that_failed_before_it_had_the_lock_is_in_the_ledger_of_the_next(desk: Desk) -> None:
    prices = (desk.folder / "prices.parquet").read_bytes()
    desk.remove("prices")
    assert desk.nightly().exit_code == 1
    (desk.folder / "prices.parquet").write_bytes(prices)
    with hold_lock(desk.home, "somebody else"):
        assert desk.nightly().exit_code == 4
    assert desk.nightly().exit_code == 0
    failed, refused, _ = desk.ask("select state, error, inputs, git_commit is not null from ops.run "
                                  "order by started_at desc limit 3")[::-1]  # fmt: skip
    assert (failed[0], refused[0]) == ("failed", "failed")
    assert "prices is missing" in failed[1]
    assert "somebody else" in refused[1]
    # The journal lists the snapshots that were lost, with checksums.
    assert {one["dataset"] for one in json.loads(refused[2])} == {"tokens", "prices", "signals"}
    assert all(len(one["sha256"]) == 64 for one in json.loads(refused[2]))
    before = tables(desk)
    assert desk.run("restore", "--from-raw").exit_code == 0
    assert tables(desk) == before


def test_a_snapshot_that_only_the_journal_knows_is_taken_again(desk: Desk) -> None:
    """As after a crash between the journal and the commit, or a write-ahead log that lost its end."""
    before = tables(desk)
    with duckdb.connect(str(desk.home / "warehouse.duckdb")) as warehouse:
        row = warehouse.execute("select max(snapshot_id) from ops.snapshot where dataset = 'signals'").fetchone()
        assert row is not None
        for table in ("raw.signals", "ops.snapshot", "ops.reread", "ops.vanished", "ops.quarantine"):
            warehouse.execute(f"delete from {table} where snapshot_id = {row[0]}")
    answer = desk.nightly()
    assert answer.exit_code == 0, answer.err
    after = tables(desk)
    for table in ("raw.signals", "ops.snapshot", "ops.vanished", "ops.quarantine", "marts.restatement"):
        assert after[table] == before[table], table


def test_lines_that_are_no_events_are_skipped_with_a_remark_and_lose_nothing(desk: Desk) -> None:
    """A power cut leaves zeros or half a line at the end of every file; other programs leave the rest."""
    before = tables(desk)
    foreign = (b"[]", b"null", b"3", b'{"another": "program"}', b"\xff\xfe{}", b"[" * 100_000, b"\0" * 4096)
    end = b"\n".join((*foreign, b'{"written_at": "2026-11-22T07:3'))
    skipped = {}
    for path in sorted((desk.home / "journal").glob("*.jsonl")):
        skipped[path.name] = 1 + path.read_bytes().count(b"\n")
        with path.open("ab") as file:
            file.write(end)
    restored, status = desk.run("restore", "--from-raw"), desk.run("status")
    assert (restored.exit_code, status.exit_code) == (0, 0), restored.err + status.err
    assert tables(desk) == before
    for name, first in skipped.items():
        remark = f"journal/{name}: 8 lines are no event and skipped (the first is line {first})"
        assert remark in " ".join(restored.out.split())
        assert remark in " ".join(status.out.split())
    assert desk.nightly().exit_code == 0


def test_a_kept_file_that_was_changed_stops_a_restore_and_changes_nothing(desk: Desk) -> None:
    (changed,) = (path for path in (desk.home / "raw" / "tokens").iterdir())
    changed.write_bytes(changed.read_bytes() + b"!")
    warehouse = (desk.home / "warehouse.duckdb").read_bytes()
    answer = desk.run("restore", "--from-raw")
    assert answer.exit_code == 1
    assert changed.name in answer.err
    assert "is not what was kept" in answer.err
    assert (desk.home / "warehouse.duckdb").read_bytes() == warehouse


def test_a_backup_comes_back_whole_and_the_newer_home_is_set_aside(desk: Desk, tmp_path: Path) -> None:
    before, published = tables(desk), desk.fingerprint()
    copy = tmp_path / "copy"
    answer = desk.run("backup", str(copy))
    assert answer.exit_code == 0, answer.err
    (desk.home / "journal" / "deliveries.jsonl").write_text('{"sent": "since the backup"}\n', encoding="utf-8")
    desk.published.write_bytes(b"of a newer night")
    newer = desk.fingerprint()

    answer = desk.run("restore", str(copy))
    assert answer.exit_code == 0, answer.err
    assert (tables(desk), desk.fingerprint()) == (before, published)
    assert newer in [Desk(desk.folder, path.parent.parent).fingerprint() for path in set_aside(desk)
                     if path.name == "trackrecord.duckdb"]  # fmt: skip
    # Sent deliveries stay recorded as sent.
    assert "since the backup" in (desk.home / "journal" / "deliveries.jsonl").read_text(encoding="utf-8")
    # A second backup overwrites nothing.
    assert desk.run("backup", str(copy)).exit_code == 2


@pytest.mark.slow
def test_a_damaged_backup_is_refused_before_anything_is_replaced(desk: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert desk.run("backup", str(copy)).exit_code == 0
    victim = copy / "published" / "trackrecord.duckdb"
    cells = bytearray(victim.read_bytes())
    cells[len(cells) // 2] ^= 1
    victim.write_bytes(cells)
    before = tables(desk)
    answer = desk.run("restore", str(copy))
    assert answer.exit_code == 1
    assert "does not match its checksum" in answer.err
    assert tables(desk) == before
    assert not (desk.home / "set-aside").exists()
    shutil.rmtree(copy)
    assert desk.run("restore", str(copy)).exit_code == 2


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ({}, "cannot be read"),
        ([], "cannot be read"),
        ({"files": []}, "names no file"),
        ({"files": [{"file": "journal/../../evil", "sha256": "of something"}]}, "no part of a home"),
        ({"files": [{"file": "/etc/hostname", "sha256": "of something"}]}, "no part of a home"),
        ({"files": [{"file": "lock", "sha256": "of something"}]}, "no part of a home"),
    ],
)
def test_a_folder_that_is_no_backup_of_ours_is_refused_before_anything_is_replaced(
    manifest: object, message: str, tmp_path: Path
) -> None:
    desk = Desk(tmp_path / "acme", tmp_path / "home")
    journal.append(desk.home, "runs", run_id="one")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    answer = desk.run("restore", str(tmp_path / "copy"))
    assert answer.exit_code == 2
    assert message in answer.err
    assert sorted(path.name for path in desk.home.iterdir()) == ["journal", "lock", "outbox.lock"]


def test_a_backup_that_cannot_be_made_gives_the_reason_and_leaves_nothing_behind(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "acme", tmp_path / "home")
    answer = desk.run("backup", str(tmp_path / "copy"))
    assert answer.exit_code == 2
    assert "nothing to back up" in answer.err
    journal.append(desk.home, "runs", run_id="one")
    (tmp_path / "file").write_bytes(b"")
    for place, exit_code, message in (
        (tmp_path / "file" / "copy", 1, "cannot be written"),
        (tmp_path / "home" / "copy", 2, "lies in the home"),
        (Path("/proc"), 2, "is not empty"),
        (tmp_path / "home", 2, "is not empty"),
    ):
        answer = desk.run("backup", str(place))
        assert (answer.exit_code, message in answer.err) == (exit_code, True), answer
    assert not (tmp_path / "copy").exists()
    assert desk.run("backup", str(tmp_path / "copy")).exit_code == 0
    assert {path.name for path in (tmp_path / "copy").iterdir()} == {"journal", "manifest.json"}


@pytest.mark.slow
def test_a_restore_that_died_half_way_is_finished_by_the_next_run(desk: Desk, tmp_path: Path) -> None:
    before = tables(desk)
    copy = tmp_path / "copy"
    assert desk.run("backup", str(copy)).exit_code == 0
    # The state after an interruption while the old home was set aside: some new files are in place, some are not.
    replacing = desk.home / ".replacing"
    shutil.copytree(copy, replacing)
    (replacing / "manifest.json").unlink()
    shutil.rmtree(replacing / "raw")
    (desk.home / "warehouse.duckdb").write_bytes(b"half")
    answer = desk.nightly()
    assert answer.exit_code == 0, answer.err
    assert {k: v for k, v in tables(desk).items() if k.startswith("core.")} == {
        k: v for k, v in before.items() if k.startswith("core.")
    }


@pytest.mark.slow
def test_old_tables_are_not_needed(desk: Desk) -> None:
    """Acceptances, quarantined rows, validations and publishes are restored, with their texts."""
    (desk.home / "warehouse.duckdb").unlink()
    shutil.rmtree(desk.home / "published")
    before = pd.Timestamp("2026-01-01")
    assert desk.run("restore", "--from-raw").exit_code == 0
    warehouse = desk.home / "warehouse.duckdb"
    assert desk.ask("select rule, reason from ops.acceptance", database=warehouse) == [
        ("tokens_kept", "they left the market")
    ]
    assert desk.ask_one("select count(*) from ops.publish", database=warehouse) == 3
    assert desk.ask_one("select count(distinct published_as_of) from marts.scorecard_history", database=warehouse) >= 1
    assert desk.ask_one("select min(started_at) from ops.run", database=warehouse) > before
    assert desk.ask_one("select count(*) from ops.quarantine", database=warehouse) == 1


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("what", ["the sample", "a year of 2,000 tokens"])
def test_a_lost_home_is_back_within_five_minutes(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk(tmp_path / "acme", tmp_path / "home")
    if what == "the sample":
        answer = desk.run("nightly", "--source", "sample", "--plain")
    else:
        write_panel(desk.folder, n_tokens=2000, n_bars=365)
        answer = desk.nightly()
    assert answer.exit_code == 0, answer.err
    before, published = tables(desk), desk.fingerprint()
    seconds: dict[str, float] = {}

    def timed(name: str, *arguments: str) -> None:
        began = time.perf_counter()
        answer = desk.run(*arguments)
        seconds[name] = time.perf_counter() - began
        assert answer.exit_code == 0, answer.err

    (desk.home / "warehouse.duckdb").unlink()
    timed("restore --from-raw", "restore", "--from-raw")
    assert tables(desk) == before
    timed("backup", "backup", str(tmp_path / "copy"))
    shutil.rmtree(desk.home)
    timed("restore", "restore", str(tmp_path / "copy"))
    assert (tables(desk), desk.fingerprint()) == (before, published)
    with capsys.disabled():
        print(f"\n{what}: {', '.join(f'{name} {took:.1f} s' for name, took in seconds.items())}")
    assert max(seconds.values()) < 300
