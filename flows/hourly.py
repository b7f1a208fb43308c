"""The hourly flow: fetch the last hours without the lock, build where it is free, publish now and then."""

from pathlib import Path

from prefect import flow

from flows import pipeline
from flows.config import Settings
from flows.prefect_tasks import TASKS
from flows.run import open_run


@flow(name="hourly")
def hourly(
    source: str = "tokenmetrics",
    input: Path | None = None,
    vendor: str | None = None,
    prices: str | None = None,
    wait_for_lock: bool = True,
) -> pipeline.Outcome | None:
    """Fetch the hourly datasets and take them up; None where another run holds the lock, and takes them up instead."""
    settings = Settings()
    run = open_run(settings, source=source, input=input, vendor=vendor, prices=prices, timeframes=("1h",))
    return pipeline.hourly_job(
        run,
        holder=f"the hourly flow, run {run.run_id}",
        wait_seconds=settings.lock_wait_seconds if wait_for_lock else 0,
        steps=TASKS,
    )
