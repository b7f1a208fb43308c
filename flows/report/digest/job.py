"""The weekly job: read the published file, freeze the digest, archive it, send it. The order is `weekly_job`."""

from collections.abc import Callable
from dataclasses import dataclass

from flows.config import Settings
from flows.delivery.deliver import Receipt, deliver
from flows.delivery.settings import DeliverySettings
from flows.errors import UsageError
from flows.report.digest.archive import write_archive
from flows.report.digest.facts import build_digest
from flows.report.digest.model import Digest
from flows.report.digest.moment import open_at, weeks_of
from flows.report.digest.notes import read_notes, record_made
from flows.report.digest.site import write_site
from flows.report.edition import Edition
from flows.warehouse.clock import utc_now


def read_digest(settings: Settings, week: str | None = None) -> Digest:
    """The digest of a week, the newest unless named, from the published file and the notes.

    Raises UsageError where nothing is published, or nothing was in the week after the one asked for.
    """
    published = settings.published
    if not published.exists():
        raise UsageError(f"{published} does not exist yet. Run `trackrecord nightly` first.")
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


def weekly_job(settings: Settings, week: str | None = None, steps: Steps = Steps()) -> Made:
    """Make a week's digest, the newest unless named, and send it: it is complete before anybody is sent anything."""
    edition = steps.archive(settings, steps.read(settings, week))
    return Made(edition, steps.send(settings, edition))
