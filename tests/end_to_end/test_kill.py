"""Kill -9 at any moment: the next run needs no help and ends with the same tables."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from flows.config import ROOT
from tests.point_in_time.homes import fingerprints

from .desk import Desk, clean_folder

# The folder's bars end on 2025-10-31. The first run builds in full, the second only what came in five days.
FIRST, SECOND = "2025-10-26T00:20:00", "2025-10-31T00:20:00"

LONGEST_RUN_SECONDS = 240


def tables(desk: Desk) -> dict[str, str]:
    """Fingerprints of all that was appended and built, snapshot ids and all."""
    with duckdb.connect(str(desk.home / "warehouse.duckdb"), read_only=True) as warehouse:
        return fingerprints(warehouse, "raw", "core", "marts")


def start_nightly(desk: Desk, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "nightly", "--plain", *arguments],
        cwd=ROOT,
        env={**os.environ, "TRACKRECORD_HOME": str(desk.home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def of_folder(desk: Desk, as_of: str) -> tuple[str, ...]:
    return ("--source", "files", "--input", str(desk.folder), "--as-of", as_of)


def kill_nightly(desk: Desk, arguments: tuple[str, ...], is_time: Callable[[], bool], *, after: float = 0) -> bool:
    """Run until it is time, and `after` seconds more, then kill -9; say whether the run was killed before its end.

    Whoever opens the published file meanwhile finds a whole one.
    """
    began = time.monotonic()
    process = start_nightly(desk, *arguments)
    try:
        while process.poll() is None and not is_time():
            assert time.monotonic() - began < LONGEST_RUN_SECONDS, "the run does not end"
            time.sleep(0.002)
        until = time.monotonic() + after
        while process.poll() is None and time.monotonic() < until:
            assert_opens(desk)
            time.sleep(0.02)
    finally:
        process.kill()
        exit_code = process.wait()
    assert exit_code in (0, -signal.SIGKILL)
    assert_opens(desk)
    return exit_code != 0


def assert_opens(desk: Desk) -> None:
    if desk.published.exists():
        assert desk.ask_one("select count(*) from ops.publish") >= 1
        assert desk.ask_one("select count(*) from marts.signal_scorecard") > 0


def newer(path: Path) -> Callable[[], bool]:
    """Whether a file has been written since now."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    return lambda: path.exists() and path.stat().st_mtime_ns > before


@pytest.fixture
def two_desks(tmp_path: Path) -> tuple[Desk, Desk]:
    """One folder and two homes: one is left in peace."""
    folder = tmp_path / "acme"
    folder.mkdir()
    peaceful, killed = (Desk(folder, tmp_path / name / "home") for name in ("peaceful", "killed"))
    for desk in (peaceful, killed):
        desk.home.mkdir(parents=True)
    for name, frame in clean_folder().items():
        peaceful.deliver(name, frame)
    return peaceful, killed


def test_a_run_killed_while_it_builds_or_publishes_is_made_good_by_the_next(two_desks: tuple[Desk, Desk]) -> None:
    peaceful, killed = two_desks
    for as_of in (FIRST, SECOND):
        answer = peaceful.nightly("--as-of", as_of)
        assert answer.exit_code == 0, answer.err

    # The gate leaves its pages, then the build begins: here a full one, which is no transaction.
    builds = newer(killed.home / "data_docs" / "index.html")
    assert kill_nightly(killed, of_folder(killed, FIRST), builds, after=0.4)
    assert not killed.published.exists()
    assert killed.nightly("--as-of", FIRST).exit_code == 0

    publishes = newer(killed.published.with_name(f".{killed.published.name}.partial"))
    assert kill_nightly(killed, of_folder(killed, SECOND), publishes)
    assert killed.ask_one("select max(as_of)::varchar from ops.publish") == FIRST.replace("T", " ")
    answer = killed.nightly("--as-of", SECOND)
    assert answer.exit_code == 0, answer.err
    assert tables(killed) == tables(peaceful)
    states = {state for (state,) in killed.ask("select state from ops.run")}
    assert states == {"published", "died"}


@pytest.mark.slow
@pytest.mark.timeout(36_000)
@pytest.mark.parametrize(("source", "n_kills"), [("files", 10), ("sample", 10), ("files", 300)])
def test_a_run_killed_at_random_moments_is_made_good_by_the_next(
    source: str, n_kills: int, two_desks: tuple[Desk, Desk], capsys: pytest.CaptureFixture[str]
) -> None:
    peaceful, killed = two_desks
    draw = random.Random(9)
    runs = (of_folder(killed, FIRST), of_folder(killed, SECOND)) if source == "files" else (("--source", "sample"),)
    told = []
    for arguments in runs:
        began = time.monotonic()
        assert start_nightly(peaceful, *arguments).wait(LONGEST_RUN_SECONDS) == 0
        duration = time.monotonic() - began
        n_each = n_kills // len(runs)
        for number in range(n_each):
            after = duration * (number + draw.random()) / n_each
            was_killed = kill_nightly(killed, arguments, lambda: True, after=after)
            told.append(f"{after:.1f} s of {duration:.1f} s {'killed' if was_killed else 'had ended'}")
        assert start_nightly(killed, *arguments).wait(LONGEST_RUN_SECONDS) == 0
        assert tables(killed) == tables(peaceful)
    with capsys.disabled():
        print(f"\n{source}: {'; '.join(told)}")
