"""A night's requests to a vendor: our fetch and a bare httpx loop over the same requests, against the dev server."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from flows import pipeline
from flows.config import Settings
from flows.devserver import KEY, DevServer, small_market
from flows.home import journal
from flows.run import start_run
from flows.sources import open_source

N_TOKENS = 1_500
FEW_TOKENS = 150  # for the runs under a rate limit, where all tokens would take ten minutes
CONCURRENCY = 4
HISTORY_DAYS = 7  # the days that a usual night fetches again
DAYS, HOURLY_DAYS = 150, 6


@contextmanager
def serving(n_tokens: int) -> Iterator[str]:
    """Run the dev server in a process of its own; yield its address."""
    command = [sys.executable, "-m", "benchmarks.vendor", str(n_tokens)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait()


def our_fetch(url: str, homes: str, n_tokens: int, per_minute: int) -> dict[str, Any]:
    """The fetch stage of a nightly into a new home under `homes`: every request, with every body stored."""
    home = tempfile.mkdtemp(dir=homes)
    os.environ |= {
        "TOKENMETRICS_BASE_URL": f"{url}/v2",
        "TOKENMETRICS_API_KEY": KEY,
        "TOKENMETRICS_UNIVERSE": f"top:{n_tokens}",
        "TOKENMETRICS_HISTORY_DAYS": str(HISTORY_DAYS),
        "TOKENMETRICS_REQUESTS_PER_MINUTE": str(per_minute),
        "TOKENMETRICS_MONTHLY_CREDITS": "1000000",
        "TOKENMETRICS_CONCURRENCY": str(CONCURRENCY),
    }
    kept = pipeline.fetch(start_run(open_source("tokenmetrics"), Settings(home=Path(home))))
    n_calls = len(journal.read(Path(home), "requests"))
    return {"n_calls": n_calls, "n_datasets": len(kept)}


def bare_loop(url: str, calls: str) -> dict[str, Any]:
    """The same requests in a bare httpx loop with our concurrency; bodies are read and decoded, not stored."""

    async def ask() -> int:
        slots = asyncio.Semaphore(CONCURRENCY)
        async with httpx.AsyncClient(base_url=url, headers={"x-api-key": KEY}, timeout=60) as client:

            async def one(call: dict[str, Any]) -> int:
                async with slots:
                    return len((await client.get(call["path"], params=call["params"])).json()["data"])

            return sum(await asyncio.gather(*map(one, json.loads(Path(calls).read_text()))))

    return {"n_rows": asyncio.run(ask())}


def calls_made(url: str, path: Path) -> tuple[dict[str, int], int]:
    """Record the requests that the dev server has received; return their number by endpoint, and the bytes sent."""
    calls: list[dict[str, Any]] = httpx.get(f"{url}/_double/calls", timeout=60).json()
    path.write_text(json.dumps(calls))
    counts = Counter(call["path"].rpartition("/")[2] for call in calls)
    return dict(counts.most_common()), sum(call["n_bytes"] for call in calls)


def _serve(n_tokens: int) -> None:
    now = datetime.now(UTC).replace(tzinfo=None, minute=0, second=0, microsecond=0)
    market = small_market(now, n_tokens, n_days=DAYS, hourly_days=HOURLY_DAYS, days_ahead=2)
    with DevServer(market=market, now=now) as server:
        print(server.base_url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
