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

# A night takes minutes, the first one of a long history an hour: one that takes this long hangs.
LONGEST_SECONDS = 6 * 3600


@flow(name="nightly", timeout_seconds=LONGEST_SECONDS)
def nightly(
    source: str = "sample",
    input: Path | None = None,
    vendor: str | None = None,
    as_of: datetime | None = None,
    prices: str | None = None,
    map: Path | None = None,
    wait_for_lock: bool = True,
    only_what_is_due: bool = False,
) -> pipeline.Outcome | None:
    """Snapshot a source, score its signals, and publish the result.

    With `only_what_is_due`, as the schedule has it, only where no run has done the newest night.
    """
    settings = Settings()
    asked = {
        "source": source,
        "input": input,
        "vendor": vendor,
        "prices": prices,
        "map": map,
        "as_of": as_of,
        "flow_run_id": flow_run.id,
    }
    try:
        outcome = pipeline.nightly_job(
            settings,
            asked,
            holder="the nightly flow",
            wait_seconds=settings.lock_wait_seconds if wait_for_lock else 0,
            is_due_only=only_what_is_due,
            steps=TASKS,
        )
    except GateStopped as stop:
        create_markdown_artifact(key="gates", markdown=stop_markdown(stop))
        raise
    if outcome is None:
        return None
    create_markdown_artifact(key="scorecard", markdown=scorecard_markdown(read_scorecard(settings.published)))
    create_markdown_artifact(key="gates", markdown=gates_markdown(outcome.snapshots, outcome.checks))
    return outcome
