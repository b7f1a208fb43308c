"""Only one process builds at a time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.config import ROOT
from flows.errors import LockHeld
from flows.home.lock import hold_lock

HOLDER = """
import sys, time
from pathlib import Path
from flows.home.lock import hold_lock
with hold_lock(Path(sys.argv[1]), "another nightly"):
    print("held", flush=True)
    time.sleep(120)
"""


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_one_is_refused_with_the_holders_name(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(LockHeld, match=f"another nightly, process {holder.pid} on "), hold_lock(tmp_path, "me"):
        pytest.fail("two held the lock")


def test_the_command_line_answers_4_and_leaves_the_home_alone(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "accept", "a_rule", "--snapshot", "1", "--reason", "because"],
        cwd=ROOT,
        env={**os.environ, "TRACKRECORD_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 4
    assert f"another nightly, process {holder.pid}" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_the_lock_of_a_dead_holder_is_free(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    began = time.monotonic()
    with hold_lock(tmp_path, "me"):
        assert time.monotonic() - began < 1


def test_who_waits_gets_it_when_the_holder_is_done(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(LockHeld), hold_lock(tmp_path, "me", wait_seconds=0.1):
        pytest.fail("two held the lock")
    holder.send_signal(signal.SIGKILL)
    with hold_lock(tmp_path, "me", wait_seconds=30):
        pass


def test_a_block_that_fails_gives_the_lock_back(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="wrong"), hold_lock(tmp_path, "me"):
        raise ValueError("wrong")
    with hold_lock(tmp_path, "me again"):
        pass
