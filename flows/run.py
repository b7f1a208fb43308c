"""A run: its name, its two clocks, the source it reads, and a record of what it has done so far."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from flows.clock import as_utc, utc_now
from flows.config import Settings
from flows.errors import UsageError
from flows.sources import open_source
from flows.sources.base import FetchRequest, Source


@dataclass
class Record:
    """What a run has done so far: its input files, its counts, and the seconds of each stage."""

    inputs: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    durations: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage, also one that fails."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.durations[name] = round(time.perf_counter() - started, 3)


@dataclass(frozen=True)
class Run:
    """One run. `as_of` is the moment whose knowledge it uses, `fetched_at` our wall clock; both UTC, no zone.

    `timeframes`, `since` and `until` are what it requests; a source of whole files may deliver more.
    """

    run_id: str
    source: Source
    input: str
    as_of: datetime
    fetched_at: datetime
    is_replay: bool
    settings: Settings
    timeframes: tuple[str, ...]
    since: date | None = None
    until: date | None = None
    flow_run_id: str | None = None
    record: Record = field(default_factory=Record, compare=False)

    @property
    def request_kind(self) -> str | None:
        """The kind of request, so that snapshots are compared with others of their kind; None is the usual night."""
        if self.since is not None:
            return "days"
        return None if self.timeframes == self.settings.timeframes else " ".join(self.timeframes)

    @property
    def request(self) -> FetchRequest:
        """What the run requests of its source, before anything is split or caught up."""
        return FetchRequest(self.as_of, self.settings.home, self.timeframes, self.since, self.until, run_id=self.run_id)


def open_run(
    settings: Settings,
    *,
    source: str,
    input: Path | None = None,
    vendor: str | None = None,
    prices: str | None = None,
    map: Path | None = None,
    as_of: datetime | None = None,
    flow_run_id: str | None = None,
    timeframes: tuple[str, ...] | None = None,
    since: date | None = None,
    until: date | None = None,
) -> Run:
    """Start a run over the source of that name, as a command or a flow names it.

    It asks for all timeframes in use unless some are named.

    Raises UsageError for a source that is unknown or lacks what it needs, for an as-of moment that has not come, and
    for a timeframe that is not in use.
    """
    return start_run(
        open_source(source, input, vendor, prices or settings.prices, map),
        settings,
        input=str(input or ""),
        as_of=as_of,
        flow_run_id=flow_run_id,
        timeframes=timeframes,
        since=since,
        until=until,
    )


def start_run(
    source: Source,
    settings: Settings,
    *,
    as_of: datetime | None = None,
    input: str = "",
    flow_run_id: str | None = None,
    timeframes: tuple[str, ...] | None = None,
    since: date | None = None,
    until: date | None = None,
) -> Run:
    """Name a run and fix its clocks.

    Raises UsageError for an as-of moment that has not come yet, and for a timeframe that is not in use.
    """
    not_in_use = [name for name in timeframes or () if name not in settings.timeframes]
    if not_in_use:
        raise UsageError(
            f"{', '.join(not_in_use)} is not in use: TRACKRECORD_TIMEFRAMES is {','.join(settings.timeframes)}. "
            f"Set it to {','.join((*settings.timeframes, *not_in_use))}, then run again."
        )
    fetched_at = utc_now()
    moment = as_utc(as_of) if as_of else source.default_as_of()
    if moment is not None and moment > fetched_at:
        raise UsageError(
            f"--as-of {moment:%Y-%m-%dT%H:%M:%S} lies in the future; it is {fetched_at:%Y-%m-%dT%H:%M:%S} UTC."
        )
    return Run(
        run_id=f"{fetched_at:%Y%m%dT%H%M%S}-{uuid4().hex[:6]}",
        source=source,
        input=input,
        as_of=moment or fetched_at,
        fetched_at=fetched_at,
        is_replay=moment is not None,
        settings=settings,
        flow_run_id=flow_run_id,
        timeframes=timeframes or settings.timeframes,
        since=since,
        until=until,
    )
