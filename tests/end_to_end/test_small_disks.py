"""A disk that is full at any point of a run: the published file is whole, and the next run with room succeeds."""

import os
import random
import shutil
import subprocess
import sys

import pytest

from flows.config import ROOT

from .desk import Desk, clean_folder
from .test_bad_input import spare_megabytes_script


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_twenty_sizes_of_a_disk_that_is_too_small(desk: Desk) -> None:
    in_own_mounts = ["unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), "--mount"]
    mounts = subprocess.run([*in_own_mounts, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False)
    if mounts.returncode:
        pytest.skip("NO SMALL DISK: this machine lets nobody mount a tmpfs, so no run was made to fill its disk.")
    fingerprint, raw_files = desk.fingerprint(), desk.raw_files()
    prices = clean_folder()["prices"]
    desk.deliver("prices", prices.assign(volume_usd=prices["volume_usd"] + prices["close"]))
    draw = random.Random(20)
    n_filled = 0
    for megabytes in sorted(draw.uniform(0.05, 12) for _ in range(20)):
        place = desk.home.parent
        done = subprocess.run(
            [*in_own_mounts, "bash", "-c", spare_megabytes_script(megabytes), "-", str(place), sys.executable],
            cwd=ROOT,
            env={**os.environ, "TRACKRECORD_MIN_FREE_DISK_MB": "0"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        after = Desk(desk.folder, place / "after")
        assert "Traceback" not in done.stderr, done.stderr
        if "exit 1" in done.stdout:
            n_filled += 1
            assert after.fingerprint() == fingerprint
        assert raw_files.items() <= after.raw_files().items()
        answer = after.nightly()
        assert answer.exit_code == 0, answer.err
        assert after.raw_rows()["prices"] == 2 * len(prices), megabytes
        shutil.rmtree(after.home)
        (place / "disk").rmdir()
    assert n_filled >= 5, "hardly any of these disks was too small"
