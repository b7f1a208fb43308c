"""The backfill flow: the main job over days that were missed, or a vendor's history."""

from datetime import date
from pathlib import Path

from prefect import flow

from flows import pipeline
from flows.config import Settings
from flows.prefect_tasks import TASKS
from flows.run import open_run

# Years of a vendor's history take hours: one that takes this long hangs.
LONGEST_SECONDS = 24 * 3600


@flow(name="backfill", timeout_seconds=LONGEST_SECONDS)
def backfill(
    since: date,
    until: date,
    source: str = "tokenmetrics",
    input: Path | None = None,
    vendor: str | None = None,
    prices: str | None = None,
    map: Path | None = None,
    wait_for_lock: bool = True,
) -> pipeline.Outcome:
    """Fetch the days from `since` to `until`, both included, and run the main job over them."""
    settings = Settings()
    run = open_run(
        settings, source=source, input=input, vendor=vendor, prices=prices, map=map, since=since, until=until
    )
    return pipeline.main_job(
        run,
        holder=f"the backfill flow, run {run.run_id}",
        wait_seconds=settings.lock_wait_seconds if wait_for_lock else 0,
        steps=TASKS,
    )
