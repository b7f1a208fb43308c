"""A nightly from a home on a small mounted disk, which only that process and its children see."""

import os
import shutil
import subprocess
import sys

import pytest

from flows.config import ROOT

from .desk import Answer, Desk

# Arguments: the desk's place, the spare kilobytes, the interpreter.
SCRIPT = """
    set -e
    size=$(( $(du -sk "$1/home" | cut -f1) + $2 ))
    mkdir "$1/disk"
    mount -t tmpfs -o size=${size}k tmpfs "$1/disk"
    cp -a "$1/home" "$1/disk/home"
    set +e
    TRACKRECORD_HOME="$1/disk/home" "$3" -m flows.cli nightly --source files --input "$1/acme" --plain
    exit_code=$?
    cp -a "$1/disk/home" "$1/after"
    exit $exit_code
"""


def nightly_with_spare(desk: Desk, megabytes: float) -> tuple[Answer, Desk]:
    """Run the nightly on a copy of the desk's home with so much free space; return its answer and the home afterwards.

    Skips the test, with a warning, where mounting is not allowed.
    """
    place = desk.home.parent
    done = subprocess.run(
        [*_in_own_mounts(), "bash", "-c", SCRIPT, "-", str(place), str(int(megabytes * 1024)), sys.executable],
        cwd=ROOT,
        env={**os.environ, "TRACKRECORD_MIN_FREE_DISK_MB": "0"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    (place / "disk").rmdir()
    return Answer(done.returncode, done.stdout, done.stderr), Desk(desk.folder, place / "after")


def _in_own_mounts() -> list[str]:
    command = ["unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), "--mount"]
    mount = [*command, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    if shutil.which("unshare") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("NO SMALL DISK: this machine lets nobody mount a tmpfs, so no run was made to fill its disk.")
    return command
