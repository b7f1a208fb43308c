"""The steps of the main job as Prefect tasks: all flows that run it share them."""

import logging
from typing import Any

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from flows import pipeline
from flows.errors import TrackrecordError

# The loggers of a failed flow and a failed task.
LOGGERS = ("prefect.flow_runs", "prefect.task_runs")


def without_traceback(record: logging.LogRecord) -> bool:
    """Log an error of ours as the sentence that it is: it holds what to do, and sixty lines of frames would bury it."""
    if record.exc_info and isinstance(record.exc_info[1], TrackrecordError):
        record.exc_info = None
    return True


for logger in LOGGERS:
    logging.getLogger(logger).addFilter(without_traceback)


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
