"""All benchmarks in one run: `python -m benchmarks.run` (`make bench`).

Each function of `LINES` measures one line and returns its section of `benchmarks/RESULTS.md`; to add a line,
write such a function and put it there. `python -m benchmarks.run kernel` runs single lines and prints them
without touching the page.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq

from benchmarks import ours, vendor
from benchmarks.kernels import COST, HORIZONS, KERNELS, LIMIT, Aggregate
from benchmarks.measure import Job, Measured, describe_machine, measure, render_table, run_job
from benchmarks.panel import write_panel, write_spine

HERE = Path(__file__).resolve().parent
WORK = HERE / "work"
RESULTS = HERE / "RESULTS.md"
PACKAGES = ("duckdb", "numpy", "pandas", "pyarrow", "numba", "vectorbt")
TOLERANCE = 1e-9
"""Relative difference allowed between two kernels' sums; counts must be equal."""
NIGHTS = 7
"""How many nights are measured: enough to include one that vacuums the database."""


@dataclass(frozen=True, slots=True)
class Bench:
    """The arguments of a line: its folder, the size of the panel, and the number of rounds."""

    work: Path
    n_tokens: int = 2000
    n_bars: int = 1825
    rounds: int = 3


Line = Callable[[Bench], str]


def kernel_line(bench: Bench) -> str:
    """The kernels on the same file: ours, those of other tools, and the practical limit."""
    spine, tiny = _write_spine(bench, "kernel", bench.n_tokens, bench.n_bars), _tiny_spine(bench)
    jobs = [Job(label, "benchmarks.kernels:run_kernel", (label, str(spine)), (label, str(tiny))) for label in KERNELS]
    verify({job.label: run_job(job).result for job in jobs})
    measured = measure(jobs, rounds=bench.rounds)
    for number in range(bench.rounds):
        verify({m.label: m.runs[number].result for m in measured})
    n_bars = pq.read_metadata(spine).num_rows
    return "\n".join(
        [
            "## Kernel: windows computed and aggregated, nothing kept",
            "",
            f"{n_bars:,} bars of {bench.n_tokens:,} tokens, horizons {', '.join(map(str, HORIZONS))} bars,"
            f" costs {COST * 1e4:.0f} bps; reading the Parquet file included; interpreter start, imports and"
            f" JIT compilation not. Every run of every kernel returned the same counts, and sums equal to"
            f" {TOLERANCE:g} relative.",
            "",
            render_table(measured, LIMIT),
        ]
    )


def build_line(bench: Bench) -> str:
    """The build as shipped: a full one on the daily and on the hourly panel, and the published file."""
    daily, hourly = bench.work / "daily", bench.work / "hourly"
    write_panel(daily, n_tokens=bench.n_tokens, n_bars=bench.n_bars)
    write_panel(hourly, n_tokens=300, n_bars=365 * 24, timeframe="1h")
    homes = {"1d": bench.work / "home_daily", "1h": bench.work / "home_hourly"}
    ours.prepare_home(homes["1d"], daily)
    ours.prepare_home(homes["1h"], hourly)
    jobs = [
        Job(f"{timeframe}, full build", "benchmarks.ours:full_build", (str(home),)) for timeframe, home in homes.items()
    ]
    measured = measure(jobs, rounds=bench.rounds)
    size = run_job(Job("publish", "benchmarks.ours:published_size", (str(homes["1d"]),))).result
    rows = [
        f"| {m.label} | {median(m, 'scoring_seconds'):.1f} | {median(m, 'seconds'):.1f} | {m.peak_rss_mb:.0f} |"
        for m in measured
    ]
    return "\n".join(
        [
            "## Build as shipped",
            "",
            f"The product's own function on a warehouse whose `raw` holds the panel: {bench.n_tokens:,} tokens x "
            f"{bench.n_bars:,} days, and 300 tokens x 1 year of hours. *Scoring* is windows, base rates, outcomes and "
            "scorecards on disk; *all* adds the versions of bars and signals, the spine, calls and curves.",
            "",
            "| what | scoring, median s | all, median s | peak RSS MB |",
            "|---|---|---|---|",
            *rows,
            "",
            f"Publishing the daily panel takes {size['seconds']:.1f} s; the file has {size['mb']:,.0f} MB.",
        ]
    )


def increment_line(bench: Bench) -> str:
    """One more day, seven times, on warehouses with one, five and ten years of history."""
    places = {years: (bench.work / f"home_{years}", bench.work / f"years_{years}") for years in (1, 5, 10)}
    full: dict[int, float] = {}
    nights: dict[int, list[float]] = {years: [] for years in places}
    for years, (home, panel) in places.items():
        write_panel(panel, n_tokens=bench.n_tokens, n_bars=365 * years)
        ours.prepare_home(home, panel, days_apart=NIGHTS)
        full[years] = _build_seconds("full_build", str(home))
    for days_left in reversed(range(NIGHTS)):
        for years, (home, panel) in places.items():
            nights[years].append(_build_seconds("add_day", str(home), str(panel), days_left))
    usual = {years: statistics.median(seconds) for years, seconds in nights.items()}
    return "\n".join(
        [
            "## The nightly increment",
            "",
            f"One more day for {bench.n_tokens:,} tokens: the whole build, on each of the {NIGHTS} nights after a full "
            "one of the same history. One of them merges what the others leave in the file.",
            "",
            "| history | increment, median s | shortest | longest | full build s | share |",
            "|---|---|---|---|---|---|",
            *[
                f"| {years} years | {usual[years]:.2f} | {min(nights[years]):.2f} | {max(nights[years]):.2f} | "
                f"{full[years]:.1f} | {usual[years] / full[years]:.1%} |"
                for years in full
            ],
            "",
            f"After ten years of history a night takes {usual[10] / usual[1]:.2f} times what it takes after one.",
        ]
    )


def _build_seconds(function: str, *arguments: object) -> float:
    """The time of one of our builds, in a process of its own."""
    seconds: float = run_job(Job(function, f"benchmarks.ours:{function}", arguments)).result["seconds"]
    return seconds


def vendor_line(bench: Bench) -> str:
    """A night's calls to a vendor: ours beside a bare loop over the same calls, unlimited and at 300 a minute."""
    n_tokens, rate = min(bench.n_tokens, vendor.N_TOKENS), 300
    calls = bench.work / "vendor_calls.json"
    with vendor.serving(n_tokens) as url, TemporaryDirectory(dir=bench.work) as homes:
        run_job(Job("ours", "benchmarks.vendor:our_fetch", (url, homes, n_tokens, 0)))
        counts, n_bytes = vendor.calls_made(url, calls)
        jobs = [
            Job("ours, unlimited", "benchmarks.vendor:our_fetch", (url, homes, n_tokens, 0)),
            Job("bare httpx loop", "benchmarks.vendor:bare_loop", (url, str(calls))),
        ]
        measured = measure(jobs, rounds=bench.rounds)
        few = run_job(Job("slice", "benchmarks.vendor:our_fetch", (url, homes, vendor.FEW_TOKENS, rate)))
    n_calls, n_few = sum(counts.values()), few.result["n_calls"]
    # The product's limiter allows a burst of a tenth of the rate and refills at the rest: no minute exceeds the rate.
    minutes = n_calls / (rate - rate // 10)
    return "\n".join(
        [
            "## A night's calls to a vendor",
            "",
            f"{n_tokens:,} tokens, every endpoint, {vendor.HISTORY_DAYS} days of days and two of hours, against the "
            f"dev-server on this machine, {vendor.CONCURRENCY} calls at once: {n_calls:,} calls = {n_calls:,} credits, "
            f"{n_bytes / 2**20:.0f} MB of bodies. *Ours* keeps the rate, the ledger and every body (compressed, by "
            "checksum) on disk, and looks whether any row is missing; the *bare loop* reads and decodes the same "
            "answers and lets them go. The server's own time is in both.",
            "",
            render_table(measured, "bare httpx loop"),
            "",
            f"At {rate} requests a minute {vendor.FEW_TOKENS} tokens took {few.seconds:.0f} s for {n_few} calls. All "
            f"{n_calls:,} calls take {minutes:.1f} minutes at that rate.",
            "",
            "Calls by endpoint: " + ", ".join(f"{name} {count}" for name, count in counts.items()) + ".",
        ]
    )


LINES: dict[str, Line] = {
    "kernel": kernel_line,
    "build": build_line,
    "increment": increment_line,
    "vendor": vendor_line,
}
"""The sections of `RESULTS.md`, in order."""


def median(measured: Measured, figure: str) -> float:
    """Median over the rounds of a figure that the job returned."""
    return statistics.median(run.result[figure] for run in measured.runs)


def verify(results: dict[str, Any]) -> None:
    """Raise unless all kernels agree: counts equal, sums within `TOLERANCE`."""
    (first, expected), *others = results.items()
    for label, result in others:
        for horizon, values in expected.items():
            for name, a, b in zip(Aggregate._fields, values, result[horizon], strict=True):
                exact = name.startswith("n_")
                if a != b and (exact or not math.isclose(a, b, rel_tol=TOLERANCE)):
                    raise ValueError(f"{label} disagrees with {first} on {name} of horizon {horizon}: {b} != {a}")


def speed_ratio(measured: Sequence[Measured], slower: str, faster: str) -> float:
    """The ratio of two labels' median times."""
    seconds = {m.label: m.seconds for m in measured}
    return seconds[slower] / seconds[faster]


def _write_spine(bench: Bench, name: str, n_tokens: int, n_bars: int) -> Path:
    """Write a panel and its spine under the work folder; return the spine's path."""
    panel = bench.work / name
    write_panel(panel, n_tokens=n_tokens, n_bars=n_bars)
    path = bench.work / f"{name}_spine.parquet"
    write_spine(panel, path)
    return path


def _tiny_spine(bench: Bench) -> Path:
    """A spine just long enough for every horizon, for the kernels' warm-up."""
    return _write_spine(bench, "tiny", 20, 200)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the lines asked for (all, unless named) and write `RESULTS.md` when all were run at full size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", nargs="*", help=f"lines to run, of {', '.join(LINES)}; all by default")
    full = Bench(WORK)
    parser.add_argument("--tokens", type=int, default=full.n_tokens)
    parser.add_argument("--bars", type=int, default=full.n_bars)
    parser.add_argument("--rounds", type=int, default=full.rounds)
    options = parser.parse_args(argv)
    unknown = sorted(set(options.lines) - set(LINES))
    if unknown:
        parser.error(f"no such line: {', '.join(unknown)}")
    WORK.mkdir(exist_ok=True)
    bench = Bench(WORK, options.tokens, options.bars, options.rounds)
    sections = [LINES[name](bench) for name in options.lines or LINES]
    head = f"# Benchmark results\n\nWritten by `make bench`.\n\n{describe_machine(PACKAGES)}"
    page = "\n\n".join([head, *sections]) + "\n"
    print(page)
    if not options.lines and bench == full:
        RESULTS.write_text(page)


if __name__ == "__main__":
    main()
