"""The output of `trackrecord status`: what is published, how fresh it is, each day's state, last runs, deliveries."""

from datetime import datetime
from pathlib import Path

from rich.console import Console

from flows.clock import utc_now
from flows.config import Settings
from flows.delivery.delivery import read as read_deliveries
from flows.delivery.delivery import summary
from flows.delivery.overdue import overdue
from flows.delivery.settings import DeliverySettings
from flows.delivery.unknown_outcome import weeks_of_unknown_outcome
from flows.home import journal
from flows.report.calendar import late_feeds, print_calendar
from flows.report.published import open_published
from flows.report.tables import print_line, print_rows
from flows.warehouse.days import read_days
from flows.warehouse.runs import fold

N_RUNS_SHOWN = 5


def print_status(console: Console, settings: Settings, channels: DeliverySettings) -> bool:
    """Print everything, and return whether something is late. Raises UsageError where nothing readable is published."""
    with open_published(settings) as file:
        row = file.execute(
            "select published_at, publish.as_of, run_id, publish.source, publish.is_simulated, "
            "coalesce(run.is_replay, false) "
            "from ops.publish as publish left join ops.run as run using (run_id) order by published_at desc limit 1"
        ).fetchone()
        assert row is not None
        published_at, as_of, run_id, source, is_simulated, is_replay = row
        # The days of a replay are judged at its as-of moment, because nothing was due after that.
        days = read_days(file, settings, as_of if is_replay else utc_now())
    print_line(
        console,
        f"{settings.published}: published {published_at:%Y-%m-%d %H:%M} UTC by run {run_id} from {source}, "
        f"as of {as_of:%Y-%m-%d %H:%M}" + (" (simulated)" if is_simulated else ""),
    )
    print_last_runs(console, settings.home)
    if (settings.home / "journal" / "requests.jsonl").exists():
        from flows.report.vendor_requests import print_use

        print_use(console, settings.home, utc_now())
    print_calendar(console, days)
    late = [*_old(settings, published_at), *late_feeds(days)]
    late += [f"Late: {one}" for one in overdue(settings.home, utc_now(), channels)]
    for line in late:
        print_line(console, line)
    print_line(console, summary(read_deliveries(settings.home).values()))
    print_unknown_outcomes(console, settings.home, channels)
    return bool(late)


def print_excluded(console: Console, settings: Settings) -> None:
    """Print the tokens that are not scored, each with its reason."""
    with open_published(settings) as file:
        rows = file.execute(
            "select token_id, symbol, name, exclusion_reason from core.token "
            "where known_to is null and not is_scored order by exclusion_reason, symbol, token_id"
        ).fetchall()
    if rows:
        print_rows(console, ["token_id", "symbol", "name", "not scored, because"], rows)
    else:
        print_line(console, "Every token is scored.")


def print_last_runs(console: Console, home: Path) -> None:
    """Print the last runs, from the journal, because the published file has no record of a run that failed."""
    runs = fold(journal.read(home, "runs"))[-N_RUNS_SHOWN:]
    if runs:
        console.print("Last runs, newest first:")
    for run in reversed(runs):
        print_line(console, f"  {run['run_id']}  {run['source']}  as of {run['as_of'][:16]}  {run['state']}")
        for line in (run["error"] or "").splitlines():
            print_line(console, f"    {line}")
    for remark in journal.skipped_lines(home):
        print_line(console, remark)


def print_unknown_outcomes(console: Console, home: Path, channels: DeliverySettings) -> None:
    """Print the weeks whose digest may have been sent before a restore, until their deadline has passed."""
    if channels.mail_to or channels.webhooks or channels.chats:
        for week in weeks_of_unknown_outcome(home, utc_now(), channels.delivery_deadline_hours):
            print_line(
                console,
                f"In doubt: this home was restored without its outbox, and the digest of {week} may have gone out "
                "before. It is made, and sent to nobody unasked: ask the readers, then `trackrecord deliveries`.",
            )


def _old(settings: Settings, published_at: datetime) -> list[str]:
    age = utc_now() - published_at
    is_old = age.total_seconds() > settings.stale_after_days * 86_400
    return [f"Late: nothing was published for {age.days} days."] if is_old else []
