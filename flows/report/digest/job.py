"""The weekly job: read the published file, build the digest, archive it, send it. `weekly_job` sets the order."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flows.clock import utc_now
from flows.config import Settings
from flows.delivery.deliver import Receipt, deliver, open_channels, require_sent, retry
from flows.delivery.delivery import deadline, due_at
from flows.delivery.delivery import read as read_deliveries
from flows.delivery.edition import Edition
from flows.delivery.settings import DeliverySettings
from flows.errors import UsageError
from flows.report.digest.archive import write_archive
from flows.report.digest.facts import build_digest
from flows.report.digest.model import Digest
from flows.report.digest.moment import open_at, weeks_of
from flows.report.digest.notes import made_weeks, read_notes, record_made
from flows.report.digest.site import write_site


def read_digest(settings: Settings, week: str | None = None) -> Digest:
    """The digest of a week, the newest unless named, from the published file and the notes.

    Raises UsageError where nothing is published, or nothing was published in the week after the one asked for.
    """
    published = _published(settings)
    weeks = weeks_of(published)
    with open_at(published, week) as file:
        return build_digest(file, read_notes(settings.home, file.moment.week, weeks=weeks))


def archive_digest(settings: Settings, digest: Digest) -> Edition:
    """Write the digest under `reports/` in every form, update the site, and return the edition to deliver."""
    edition = write_archive(digest, settings.reports)
    write_site(settings.published, settings.reports)
    record_made(settings.home, digest.week)
    return edition


def send_digest(settings: Settings, edition: Edition) -> list[Receipt]:
    """Send the edition on every channel that its week has not been sent on yet; return the outcome of each."""
    return deliver(edition, DeliverySettings(), settings.home, utc_now())


def retry_failed(settings: Settings) -> list[Receipt]:
    """Retry the deliveries that certainly failed and are within their deadline; return the outcome of each."""
    return retry(DeliverySettings(), settings.home, utc_now())


def week_to_make(settings: Settings) -> str | None:
    """The newest week of the published file, if its digest is due and not yet made, or not in the outbox; else None.

    After a Monday without a publish the digest is made as soon as something is published. Raises UsageError where
    nothing is published.
    """
    now, delivery = utc_now(), DeliverySettings()
    week = max(weeks_of(_published(settings)))
    if now < due_at(week):
        return None
    is_made = week in made_weeks(settings.home) and (settings.reports / week / "index.html").exists()
    channels = {f"{week}/{channel.name}" for channel in open_channels(delivery)}
    # A channel set up after the week's deadline does not get that week's digest.
    is_taken_up = channels <= read_deliveries(settings.home).keys() or now > deadline(
        week, delivery.delivery_deadline_hours
    )
    return None if is_made and is_taken_up else week


@dataclass(frozen=True)
class Made:
    """A week's edition and its outcome on each channel."""

    edition: Edition
    receipts: list[Receipt]


@dataclass(frozen=True)
class Steps:
    """The steps of the job: plain functions, or the same functions wrapped as Prefect tasks."""

    read: Callable[[Settings, str | None], Digest] = read_digest
    archive: Callable[[Settings, Digest], Edition] = archive_digest
    send: Callable[[Settings, Edition], list[Receipt]] = send_digest
    choose: Callable[[Settings], str | None] = week_to_make
    retry: Callable[[Settings], list[Receipt]] = retry_failed


def weekly_job(settings: Settings, week: str | None = None, steps: Steps = Steps()) -> Made:
    """Make a week's digest, the newest unless named, and send it; every form is written before the first is sent."""
    edition = steps.archive(settings, steps.read(settings, week))
    return Made(edition, steps.send(settings, edition))


def due_job(settings: Settings, steps: Steps = Steps()) -> Made | None:
    """Make and send the digest that is due, or else retry failed deliveries: the entry point of the schedule.

    Running it every hour sends nothing twice. None where no digest was due. Raises DeliveryError where a retry has
    failed again.
    """
    week = steps.choose(settings)
    if week is None:
        require_sent(steps.retry(settings))
        return None
    return weekly_job(settings, week, steps)


def _published(settings: Settings) -> Path:
    if not settings.published.exists():
        raise UsageError(f"{settings.published} does not exist yet. Run `trackrecord nightly` first.")
    return settings.published
