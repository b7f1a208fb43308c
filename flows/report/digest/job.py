"""The weekly job: read the published file, freeze the digest, archive it, send it. The order is `weekly_job`."""

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

    Raises UsageError where nothing is published, or nothing was in the week after the one asked for.
    """
    published = _published(settings)
    weeks = weeks_of(published)
    with open_at(published, week) as file:
        return build_digest(file, read_notes(settings.home, file.moment.week, weeks=weeks))


def archive_digest(settings: Settings, digest: Digest) -> Edition:
    """Write the digest under `reports/` in every form, bring the site up to date, and return what is delivered."""
    edition = write_archive(digest, settings.reports)
    write_site(settings.published, settings.reports)
    record_made(settings.home, digest.week)
    return edition


def send_digest(settings: Settings, edition: Edition) -> list[Receipt]:
    """Send the edition on every channel that is set up and has not had its week; say what became of each."""
    return deliver(edition, DeliverySettings(), settings.home, utc_now())


def retry_failed(settings: Settings) -> list[Receipt]:
    """Try again what is known not to have arrived and still may; say what became of it."""
    return retry(DeliverySettings(), settings.home, utc_now())


def week_to_make(settings: Settings) -> str | None:
    """The newest week of the published file, where its digest is due and has not been made and taken up for sending.

    A Monday on which nothing was published is made up for once something is. None where there is nothing to make.
    Raises UsageError where nothing is published.
    """
    now, delivery = utc_now(), DeliverySettings()
    week = max(weeks_of(_published(settings)))
    if now < due_at(week):
        return None
    is_made = week in made_weeks(settings.home) and (settings.reports / week / "index.html").exists()
    channels = {f"{week}/{channel.name}" for channel in open_channels(delivery)}
    # A channel that came after the deadline has nothing to make up for.
    is_taken_up = channels <= read_deliveries(settings.home).keys() or now > deadline(
        week, delivery.delivery_deadline_hours
    )
    return None if is_made and is_taken_up else week


@dataclass(frozen=True)
class Made:
    """A week's digest as it is delivered, and what became of it on each channel."""

    edition: Edition
    receipts: list[Receipt]


@dataclass(frozen=True)
class Steps:
    """The steps as they are called: plain functions, or the same functions as an orchestrator's tasks."""

    read: Callable[[Settings, str | None], Digest] = read_digest
    archive: Callable[[Settings, Digest], Edition] = archive_digest
    send: Callable[[Settings, Edition], list[Receipt]] = send_digest
    choose: Callable[[Settings], str | None] = week_to_make
    retry: Callable[[Settings], list[Receipt]] = retry_failed


def weekly_job(settings: Settings, week: str | None = None, steps: Steps = Steps()) -> Made:
    """Make a week's digest, the newest unless named, and send it: it is complete before anybody is sent anything."""
    edition = steps.archive(settings, steps.read(settings, week))
    return Made(edition, steps.send(settings, edition))


def due_job(settings: Settings, steps: Steps = Steps()) -> Made | None:
    """Make and send the digest that is due and was not made, or else try again what failed: what a schedule calls.

    Running it every hour sends nothing twice. None where no digest was to be made. Raises DeliveryError where what was
    tried again has failed again, for good or for now.
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
