"""What a run is: its name, its two clocks, and the source it reads."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import uuid4

from flows.config import TIMEFRAMES, Settings
from flows.errors import UsageError
from flows.sources.base import Source, Wanted
from flows.warehouse.clock import as_utc, utc_now


@dataclass(frozen=True)
class Run:
    """One run. `as_of` is the moment it pretends to live at, `fetched_at` our wall clock; both UTC, no zone.

    `timeframes`, `since` and `until` are what it asks its source for; a source of whole files may deliver more.
    """

    run_id: str
    source: Source
    input: str
    as_of: datetime
    fetched_at: datetime
    is_replay: bool
    settings: Settings
    timeframes: tuple[str, ...] = TIMEFRAMES
    since: date | None = None
    until: date | None = None

    @property
    def extent(self) -> str | None:
        """What kind of delivery it asks for, so that like is compared with like: None is all that is new."""
        if self.since is not None:
            return "days"
        return None if self.timeframes == TIMEFRAMES else " ".join(self.timeframes)

    @property
    def wanted(self) -> Wanted:
        """What the run asks its source for."""
        return Wanted(self.as_of, self.settings.home, self.timeframes, self.since, self.until, run_id=self.run_id)


def start_run(
    source: Source,
    settings: Settings,
    *,
    as_of: datetime | None = None,
    input: str = "",
    timeframes: tuple[str, ...] = TIMEFRAMES,
    since: date | None = None,
    until: date | None = None,
) -> Run:
    """Name a run and fix its clocks. Raises UsageError for an as-of moment that has not come yet."""
    fetched_at = utc_now()
    told = as_utc(as_of) if as_of else source.default_as_of()
    if told is not None and told > fetched_at:
        raise UsageError(
            f"--as-of {told:%Y-%m-%dT%H:%M:%S} lies in the future; it is {fetched_at:%Y-%m-%dT%H:%M:%S} UTC."
        )
    return Run(
        run_id=f"{fetched_at:%Y%m%dT%H%M%S}-{uuid4().hex[:6]}",
        source=source,
        input=input,
        as_of=told or fetched_at,
        fetched_at=fetched_at,
        is_replay=told is not None,
        settings=settings,
        timeframes=timeframes,
        since=since,
        until=until,
    )
