"""Run jobs in fresh processes, in interleaved rounds, and render their times and memory as a Markdown table.

What is measured: the wall and CPU time of one call of the job's function, and the peak resident memory of its
process (`VmHWM`, so imports and compiled code count; with its child processes, if it had a larger one).
What is not timed: starting Python, importing, and the job's warm-up call on a tiny input, which is where the
JIT peers compile; timing those would be unfair to them. Files are warm in the page cache for everybody.

Rounds are interleaved (A B C D, A B C D, ...): a noisy minute on a shared machine hits all jobs alike.
"""

from __future__ import annotations

import datetime as dt
import importlib
import importlib.metadata
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Job:
    """A function to measure: `target` is `module:function`, called with `args` (JSON values).

    `warm_up` holds the arguments of an untimed call before it; None for none.
    """

    label: str
    target: str
    args: tuple[Any, ...] = ()
    warm_up: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One measured call, and what the function returned (through JSON)."""

    seconds: float
    cpu_seconds: float
    peak_rss_mb: float
    result: Any


@dataclass(slots=True)
class Measured:
    """All runs of one job."""

    label: str
    runs: list[Run] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Median wall time."""
        return statistics.median(run.seconds for run in self.runs)

    @property
    def best_seconds(self) -> float:
        """Fastest wall time."""
        return min(run.seconds for run in self.runs)

    @property
    def cpu_seconds(self) -> float:
        """Median CPU time of all threads."""
        return statistics.median(run.cpu_seconds for run in self.runs)

    @property
    def peak_rss_mb(self) -> float:
        """Median peak resident memory."""
        return statistics.median(run.peak_rss_mb for run in self.runs)


def measure(jobs: Sequence[Job], *, rounds: int = 3, report: Callable[[str], None] = print) -> list[Measured]:
    """Run every job once per round, in order, each in a process of its own."""
    measured = [Measured(job.label) for job in jobs]
    for number in range(1, rounds + 1):
        for job, into in zip(jobs, measured, strict=True):
            run = run_job(job)
            into.runs.append(run)
            report(f"round {number}: {job.label}: {run.seconds:.3f} s, {run.peak_rss_mb:.0f} MB")
    return measured


def run_job(job: Job) -> Run:
    """Run one job in a fresh process, with its standard error passed through; raise if it fails."""
    command = [sys.executable, "-m", "benchmarks.measure", json.dumps(asdict(job))]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return Run(**json.loads(done.stdout.splitlines()[-1]))


def _child(job: Job) -> Run:
    """Run in the child process of `run_job`: import, warm up, then time one call."""
    module, _, name = job.target.partition(":")
    function = getattr(importlib.import_module(module), name)
    if job.warm_up is not None:
        function(*job.warm_up)
    cpu_before, before = _cpu_seconds(), time.perf_counter()
    result = function(*job.args)
    seconds = time.perf_counter() - before
    return Run(seconds, _cpu_seconds() - cpu_before, _peak_rss_mb(), result)


def _cpu_seconds() -> float:
    """CPU time of this process, all its threads and its finished children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _peak_rss_mb() -> float:
    """Peak resident memory since this program started, or of its largest child.

    `VmHWM` starts anew with the program; `ru_maxrss` may still show the parent it was forked from.
    """
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        own = int(line.split()[1]) * 1024
    else:
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        own, children = (own, children // 1024) if sys.platform == "darwin" else (own * 1024, children)
    return max(own, children) / MEGABYTE


def render_table(measured: Sequence[Measured], limit: str | None = None) -> str:
    """Render runs as a Markdown table; with `limit`, also as multiples of that label's median."""
    base = next((m.seconds for m in measured if m.label == limit), None)
    lines = [
        f"| what | median s | best s | CPU s | peak RSS MB |{' x limit |' if base else ''}",
        f"|---|---|---|---|---|{'---|' if base else ''}",
    ]
    for m in measured:
        times = f"{m.seconds:.2f} | {m.best_seconds:.2f} | {m.cpu_seconds:.2f}"
        ratio = f" {m.seconds / base:.1f} |" if base else ""
        lines.append(f"| {m.label} | {times} | {m.peak_rss_mb:.0f} |{ratio}")
    return "\n".join(lines)


def describe_machine(packages: Sequence[str]) -> str:
    """Describe machine, versions and date as Markdown list items."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    ram = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / MEGABYTE / 1024
    now = dt.datetime.now(dt.UTC)
    return "\n".join(
        [
            f"- Date: {now:%Y-%m-%d %H:%M} UTC",
            f"- Machine: {_cpu_model()}, {os.cpu_count()} cores, {ram:.0f} GB RAM, {platform.system()}",
            f"- Versions: Python {platform.python_version()}, {versions}",
        ]
    )


def _cpu_model() -> str:
    """The processor's name, from `/proc/cpuinfo` where there is one, because `platform` gives less on Linux."""
    cpuinfo = Path("/proc/cpuinfo")
    names = [line for line in cpuinfo.read_text().splitlines() if "model name" in line] if cpuinfo.exists() else []
    return names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    given["args"], given["warm_up"] = tuple(given["args"]), given["warm_up"] and tuple(given["warm_up"])
    print(json.dumps(asdict(_child(Job(**given)))))
