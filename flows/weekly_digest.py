"""The weekly digest's flow: the weekly job, its steps as tasks, the digest as an artifact on the run's page."""

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from flows.config import Settings
from flows.delivery.deliver import Receipt
from flows.delivery.delivery import OPEN
from flows.errors import DeliveryError
from flows.report.digest.job import Made, Steps, archive_digest, read_digest, send_digest, weekly_job
from flows.report.edition import Edition

# What failed is tried again every hour; once its deadline has passed it is no longer open, and `status --check` is red.
N_RETRIES, RETRY_SECONDS = 48, 3600


def send_or_try_again(settings: Settings, edition: Edition) -> list[Receipt]:
    """Send the edition. Raises DeliveryError where a channel is still to be tried again."""
    receipts = send_digest(settings, edition)
    failed = [receipt for receipt in receipts if receipt.state in OPEN]
    if failed:
        raise DeliveryError("; ".join(f"{receipt.key}: {receipt.told}" for receipt in failed))
    return receipts


TASKS = Steps(
    read=task(name="read the published file", cache_policy=NO_CACHE)(read_digest),
    archive=task(name="archive in every form", cache_policy=NO_CACHE)(archive_digest),
    send=task(name="send", cache_policy=NO_CACHE, retries=N_RETRIES, retry_delay_seconds=RETRY_SECONDS)(
        send_or_try_again
    ),
)


@flow(name="weekly-digest")
def weekly_digest(week: str | None = None) -> Made:
    """Make the digest of a week, the newest unless named, from the published file, and send it."""
    made = weekly_job(Settings(), week, TASKS)
    create_markdown_artifact(key="digest", markdown=made.edition.markdown)
    return made
