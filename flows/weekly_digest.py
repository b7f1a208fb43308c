"""The weekly digest's flow: the weekly job, its steps as tasks, the digest as an artifact on the run's page."""

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from flows.config import Settings
from flows.delivery.deliver import require_sent
from flows.home.lock import hold_lock
from flows.prefect_tasks import is_worth_another_attempt
from flows.report.digest.job import (
    Made,
    Steps,
    archive_digest,
    due_job,
    read_digest,
    retry_failed,
    send_digest,
    week_to_make,
    weekly_job,
)

# The published file may lie on a disk that is away for a moment. What was not sent waits for the next run, not in one.
N_RETRIES, RETRY_SECONDS = 3, [5.0, 30.0, 120.0]

TASKS = Steps(
    choose=task(
        name="choose the week",
        cache_policy=NO_CACHE,
        retries=N_RETRIES,
        retry_delay_seconds=RETRY_SECONDS,
        retry_condition_fn=is_worth_another_attempt,
    )(week_to_make),
    read=task(
        name="read the published file",
        cache_policy=NO_CACHE,
        retries=N_RETRIES,
        retry_delay_seconds=RETRY_SECONDS,
        retry_condition_fn=is_worth_another_attempt,
    )(read_digest),
    archive=task(name="archive in every form", cache_policy=NO_CACHE)(archive_digest),
    send=task(name="send", cache_policy=NO_CACHE)(send_digest),
    retry=task(name="send again what failed", cache_policy=NO_CACHE)(retry_failed),
)

# The next hour does what one that hangs has left.
LONGEST_SECONDS = 25 * 60


@flow(name="weekly-digest", timeout_seconds=LONGEST_SECONDS)
def weekly_digest(week: str | None = None, only_what_is_due: bool = False) -> Made | None:
    """Make the digest of a week, the newest unless named, from the published file, and send it.

    With `only_what_is_due`, as the schedule has it, only where that was not done yet; and the run fails where a digest
    has not certainly arrived.
    """
    settings = Settings()
    with hold_lock(settings.home, "the digest's flow", wait_seconds=settings.lock_wait_seconds, name="digest.lock"):
        made = due_job(settings, TASKS) if only_what_is_due else weekly_job(settings, week, TASKS)
    if made is not None:
        create_markdown_artifact(key="digest", markdown=made.edition.markdown)
        if only_what_is_due:
            require_sent(made.receipts)
    return made
