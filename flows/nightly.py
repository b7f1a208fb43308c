"""The nightly flow: the main job, its steps as tasks, its results as artifacts on the run's page."""

from datetime import datetime
from pathlib import Path

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run

from flows import pipeline
from flows.config import Settings
from flows.prefect_tasks import TASKS
from flows.quality.results import GateStopped
from flows.report.gates import gates_markdown, stop_markdown
from flows.report.scorecard import read_scorecard, scorecard_markdown
from flows.run import open_run


@flow(name="nightly")
def nightly(
    source: str = "sample",
    input: Path | None = None,
    vendor: str | None = None,
    as_of: datetime | None = None,
    prices: str | None = None,
    wait_for_lock: bool = True,
) -> pipeline.Outcome:
    """Snapshot a source, score its signals, and publish the result."""
    settings = Settings()
    run = open_run(
        settings, source=source, input=input, vendor=vendor, prices=prices, as_of=as_of, flow_run_id=flow_run.id
    )
    try:
        outcome = pipeline.main_job(
            run,
            holder=f"the nightly flow, run {run.run_id}",
            wait_seconds=settings.lock_wait_seconds if wait_for_lock else 0,
            steps=TASKS,
        )
    except GateStopped as stop:
        create_markdown_artifact(key="gates", markdown=stop_markdown(stop))
        raise
    create_markdown_artifact(key="scorecard", markdown=scorecard_markdown(read_scorecard(settings.published)))
    create_markdown_artifact(key="gates", markdown=gates_markdown(outcome.snapshots, outcome.checks))
    return outcome
