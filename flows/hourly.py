"""The hourly flow: fetch the last hours without the lock, build where it is free, publish now and then."""

from pathlib import Path

from prefect import flow

from flows import pipeline
from flows.config import Settings
from flows.home.lock import hold_lock
from flows.prefect_tasks import TASKS
from flows.run import open_run

# The next hour does what one that hangs has left.
LONGEST_SECONDS = 55 * 60


@flow(name="hourly", timeout_seconds=LONGEST_SECONDS)
def hourly(
    source: str = "tokenmetrics",
    input: Path | None = None,
    vendor: str | None = None,
    prices: str | None = None,
    map: Path | None = None,
    wait_for_lock: bool = True,
) -> pipeline.Outcome | None:
    """Fetch the hourly datasets and take them up; None where another run holds the lock, and takes them up instead."""
    settings = Settings()
    wait_seconds = settings.lock_wait_seconds if wait_for_lock else 0
    # One at a time from the fetch on: two runs of one hour would both pay for it.
    with hold_lock(settings.home, "the hourly flow", wait_seconds=wait_seconds, name="hourly.lock"):
        run = open_run(settings, source=source, input=input, vendor=vendor, prices=prices, map=map, timeframes=("1h",))
        return pipeline.hourly_job(
            run, holder=f"the hourly flow, run {run.run_id}", wait_seconds=wait_seconds, steps=TASKS
        )
