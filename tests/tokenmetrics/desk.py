"""A fetch as in a run, over real HTTP on loopback: settings, a home, and the result."""

from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from flows.datasets import DATASETS
from flows.devserver import KEY, DevServer
from flows.home.raw_store import Kept, keep
from flows.sources.base import FetchRequest
from flows.sources.tokenmetrics import TokenMetricsSettings, TokenMetricsSource

# Short waits, with retries enough for one fault in any call.
QUICK: dict[str, Any] = {
    "api_key": KEY,
    "universe": "top:12",
    "requests_per_minute": 0,
    "backoff_seconds": 0.001,
    "max_backoff_seconds": 0.01,
    "history_days": 10,
    "timeout_seconds": 5,
    "call_seconds": 10,
}


def settings_for(server: DevServer, version: str = "v2", **more: Any) -> TokenMetricsSettings:
    """Settings for this server, without the machine's own environment."""
    return TokenMetricsSettings(_env_file=None, **{**QUICK, "base_url": f"{server.base_url}/{version}", **more})


@dataclass(frozen=True)
class Brought:
    """The result of one fetch: the stored deliveries, the rows of each dataset, the notes to the operator."""

    kept: dict[str, Kept]
    rows: dict[str, list[tuple[Any, ...]]]
    notes: tuple[str, ...]
    n_calls: int


def fetch(
    server: DevServer,
    home: Path,
    *,
    version: str = "v2",
    since: date | None = None,
    until: date | None = None,
    as_of: datetime | None = None,
    timeframes: tuple[str, ...] = ("1d", "1h"),
    **more: Any,
) -> Brought:
    """Fetch as a run does and parse the stored bytes. Raises what the source raises."""
    source = TokenMetricsSource(settings_for(server, version, **more))
    n_before = len(server.calls)
    wanted = FetchRequest(as_of or server.now, home, timeframes, since, until)
    source.begin([wanted])
    kept = {one.dataset: keep(home, one, source="tokenmetrics") for one in source.fetch(wanted)}
    source.settle()
    rows = {}
    with closing(duckdb.connect()) as connection:
        for name in kept.keys() & DATASETS.keys():
            (part,) = source.parse(connection, DATASETS[name], kept[name])
            rows[name] = sorted(part.rows.fetchall(), key=str)
    return Brought(kept, rows, tuple(source.notes), len(server.calls) - n_before)


def bytes_under(folder: Path) -> bytes:
    """Every byte of every file of a folder, of compressed ones also decompressed."""
    import gzip

    content = b""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            body = path.read_bytes()
            content += path.name.encode() + body + (gzip.decompress(body) if path.suffix == ".gz" else b"")
    return content
