"""The nightly flow: the main job, its steps as tasks, its results as artifacts on the run's page."""

from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import Task, flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import flow_run

from flows import pipeline
from flows.config import Settings
from flows.errors import TrackrecordError
from flows.quality.results import GateStopped
from flows.report.gates import gates_markdown, stop_markdown
from flows.report.scorecard import read_scorecard, scorecard_markdown
from flows.run import open_run


def is_worth_another_attempt(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Whether a failed fetch may go better the next time: not when the message asks somebody to do something."""
    return not isinstance(state.result(raise_on_failure=False), TrackrecordError)


TASKS = pipeline.Steps(
    fetch=task(
        name="fetch",
        description="Keep what the source delivers.",
        cache_policy=NO_CACHE,
        # The one step that reads from outside, where another attempt can help; not with a folder that lacks a file.
        retries=3,
        retry_delay_seconds=[5, 30, 120],
        retry_condition_fn=is_worth_another_attempt,
    )(pipeline.fetch),
    begin=task(name="begin", cache_policy=NO_CACHE)(pipeline.begin),
    snapshot=task(name="snapshot and gate", cache_policy=NO_CACHE)(pipeline.snapshot),
    build_marts=task(name="build core and marts", cache_policy=NO_CACHE)(pipeline.build_marts),
    check_marts=task(name="gate the marts", cache_policy=NO_CACHE)(pipeline.check_marts),
    publish_marts=task(name="publish", cache_policy=NO_CACHE)(pipeline.publish_marts),
)


@flow(name="nightly")
def nightly(
    source: str = "sample",
    input: Path | None = None,
    vendor: str | None = None,
    as_of: datetime | None = None,
    prices: str | None = None,
    wait_for_lock: bool = True,
) -> pipeline.Outcome:
    """Snapshot a source, score what it said, and publish the result."""
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
    create_markdown_artifact(key="gates", markdown=gates_markdown(outcome))
    return outcome
