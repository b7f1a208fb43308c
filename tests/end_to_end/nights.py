"""Nightlies in processes of their own that start at once, forked from one that has imported everything."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

from flows import cli
from flows.run import Record

# Their import takes longer than a small night.
PRELOADED = ["flows.cli", "flows.quality.suites", "great_expectations"]

# The borders between steps; `begin`, which no stage times, lies between the first two.
STAGES = ("fetch", "snapshot", "build", "check", "publish")
BORDERS = tuple(f"{side} {stage}" for stage in STAGES for side in ("before", "after"))

STAGE_FILE = "stage"


def start_night(home: Path, *arguments: str, dies: str | None = None) -> BaseProcess:
    """Start `trackrecord nightly --plain`; its exit code is the command's. It `dies` by kill -9 at one of BORDERS."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED, __name__])
    (home.parent / STAGE_FILE).unlink(missing_ok=True)
    process = context.Process(target=_night, args=(str(home), arguments, dies))
    process.start()
    return process


def _night(home: str, arguments: tuple[str, ...], dies: str | None) -> None:
    # For a small night a second thread only costs time.
    os.environ |= {"TRACKRECORD_HOME": home, "TRACKRECORD_THREADS": "1"}
    os.chdir(Path(home).parent)
    nothing = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nothing, stream)
    _watch_stages(Path(home).parent / STAGE_FILE, dies)
    sys.argv = ["trackrecord", "nightly", "--plain", *arguments]
    cli.main()


def _watch_stages(file: Path, dies: str | None) -> None:
    """Record the begin and end of each stage, and kill the process at the border `dies`."""
    timed = Record.stage

    def pass_border(border: str) -> None:
        file.write_text(border, encoding="utf-8")
        if border == dies:
            os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def stage(record: Record, name: str) -> Iterator[None]:
        pass_border(f"before {name}")
        with timed(record, name):
            pass_border(f"in {name}")
            yield
        pass_border(f"after {name}")

    setattr(Record, "stage", stage)  # noqa: B010 - mypy accepts no plain assignment here.


def last_stage(home: Path) -> str:
    """The stage that the last night of a home had reached when it ended or was killed."""
    file = home.parent / STAGE_FILE
    return file.read_text(encoding="utf-8") if file.exists() else "not begun"
