"""The weekly digest's flow: the weekly job, its steps as tasks, the digest as an artifact on the run's page."""

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from flows.config import Settings
from flows.report.digest.job import Steps, archive_digest, read_digest, weekly_job
from flows.report.edition import Edition

TASKS = Steps(
    read=task(name="read the published file", cache_policy=NO_CACHE)(read_digest),
    archive=task(name="archive in every form", cache_policy=NO_CACHE)(archive_digest),
)


@flow(name="weekly-digest")
def weekly_digest(week: str | None = None) -> Edition:
    """Make the digest of a week, the newest unless named, from the published file."""
    edition = weekly_job(Settings(), week, TASKS)
    create_markdown_artifact(key="digest", markdown=edition.markdown)
    return edition
