"""The command line: the same steps from a terminal."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from datetime import date, datetime
from importlib import import_module
from pathlib import Path
from shutil import get_terminal_size
from typing import Annotated, Any, Never, TypeVar

import duckdb
import typer
from pydantic import ValidationError
from pydantic_settings import BaseSettings
from rich.console import Console

from flows import pipeline
from flows.catch_up import fetch_requests
from flows.clock import as_utc, utc_now
from flows.config import Settings, orchestrator_defaults
from flows.delivery.delivery import read as read_deliveries
from flows.delivery.delivery import summary
from flows.delivery.outbox import LOCK
from flows.delivery.settings import DeliverySettings
from flows.errors import TrackrecordError, UsageError
from flows.home import journal
from flows.home.lock import hold_lock
from flows.quality.results import warning_text
from flows.report.archive import archive_remark
from flows.report.funnel import print_funnels, read_funnels
from flows.report.published import published_file
from flows.report.query import Format, answer
from flows.report.scorecard import print_scorecard, read_scorecard
from flows.report.status import print_excluded, print_last_runs, print_status, print_unknown_outcomes
from flows.report.tables import WIDE, prepare_streams, print_line, visible
from flows.run import Run, open_run
from flows.sources import NAMES
from flows.warehouse.acceptance import accept as accept_rule
from flows.warehouse.backup import MANIFEST, back_up, restore_backup
from flows.warehouse.connection import is_damaged_inside, open_warehouse
from flows.warehouse.restore import restore_from_raw

app = typer.Typer(
    help="The audited track record of trading signals.", no_args_is_help=True, pretty_exceptions_enable=False
)
prepare_streams()
# A pipe or a log has no width of its own; WIDE fits every table, and COLUMNS overrides it.
console = Console(soft_wrap=not sys.stdout.isatty(), width=get_terminal_size((WIDE, 24)).columns)
errors = Console(stderr=True, soft_wrap=True)

S = TypeVar("S", bound=BaseSettings)
SourceName = Annotated[str, typer.Option(help=f"Where rows come from: {', '.join(NAMES)}.")]
Plain = Annotated[bool, typer.Option("--plain", help="Run the same steps without the orchestrator.")]
Prices = Annotated[str | None, typer.Option(help="Prices from an exchange, as in ccxt:kraken.")]
Map = Annotated[
    Path | None, typer.Option("--map", help="How to read the folder; its own trackrecord.toml if left out.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be called and what it costs; call nothing.")]

PROGRESS = {
    "fetch": "Keeping what the source delivers",
    "begin": "Opening the warehouse",
    "snapshot": "Judging and appending the snapshots",
    "build_marts": "Building core and marts",
    "check_marts": "Checking the marts",
    "publish_marts": "Publishing",
}


@app.command()
def nightly(
    source: Annotated[str, typer.Option(help=f"Where rows come from: {', '.join(NAMES)}.")] = "sample",
    input: Annotated[Path | None, typer.Option(help="The folder of the files source.")] = None,
    vendor: Annotated[str | None, typer.Option(help="Name of the vendor where the files have none.")] = None,
    as_of: Annotated[str | None, typer.Option(help="Live at this moment (UTC): see only what was held then.")] = None,
    prices: Prices = None,
    map: Map = None,
    plain: Plain = False,
    dry_run: DryRun = False,
    due: Annotated[
        bool, typer.Option("--due", help="Only where no run has done the night of 00:20 UTC: for cron, every hour.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for another run to end, up to 20 minutes.")] = False,
) -> None:
    """Snapshot a source, score its signals, and publish the result."""
    if due and as_of:
        raise UsageError("--due is about the newest night: leave --as-of out.")
    settings = _settings()
    asked: dict[str, Any] = {
        "source": source,
        "input": input,
        "vendor": vendor,
        "prices": prices,
        "map": map,
        "as_of": _moment(as_of),
    }
    # The flow opens a run of its own; opening one here first reports usage errors before Prefect takes its seconds.
    run = open_run(settings, **asked)
    if dry_run:
        _print_estimate(run)
        return
    outcome: pipeline.Outcome | None = (
        pipeline.nightly_job(
            settings,
            asked,
            holder="trackrecord nightly",
            wait_seconds=settings.lock_wait_seconds if wait else 0,
            is_due_only=due,
            steps=_with_progress(),
        )
        if plain
        else _flow("nightly")(**asked, wait_for_lock=wait, only_what_is_due=due)
    )
    if outcome is None:
        console.print("The night of 00:20 UTC has been done; nothing was fetched.")
        return
    print_scorecard(console, read_scorecard(settings.published))
    _print_funnels(settings, outcome)
    if (remark := archive_remark(settings.published)) is not None:
        _print_text(remark)
    _print_outcome(outcome)
    _print_text(f"Published: {settings.published}")


@app.command()
def hourly(
    source: SourceName = "tokenmetrics",
    input: Annotated[Path | None, typer.Option(help="The folder of the files source.")] = None,
    vendor: Annotated[str | None, typer.Option(help="Name of the vendor where the files have none.")] = None,
    prices: Prices = None,
    map: Map = None,
    plain: Plain = False,
    dry_run: DryRun = False,
) -> None:
    """Fetch the hourly datasets, build where the lock is free, and publish every few hours."""
    settings = _settings()
    asked: dict[str, Any] = {"source": source, "input": input, "vendor": vendor, "prices": prices, "map": map}
    run = open_run(settings, **asked, timeframes=("1h",))
    if dry_run:
        _print_estimate(run)
        return
    outcome: pipeline.Outcome | None = (
        _by_hand(run, "hourly", pipeline.hourly_job) if plain else _flow("hourly")(**asked, wait_for_lock=False)
    )
    if outcome is None:
        _print_text("Fetched and kept. Another run holds the lock; the next build takes it up.")
        return
    _print_funnels(settings, outcome)
    _print_outcome(outcome)
    _print_text(f"Published: {settings.published}" if outcome.n_rows else "Built; the last publish is recent enough.")


@app.command()
def backfill(
    since: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD (UTC).")],
    until: Annotated[str, typer.Option("--to", help="Last day, included.")],
    source: SourceName = "tokenmetrics",
    input: Annotated[Path | None, typer.Option(help="The folder of the files source.")] = None,
    vendor: Annotated[str | None, typer.Option(help="Name of the vendor where the files have none.")] = None,
    prices: Prices = None,
    map: Map = None,
    plain: Plain = False,
    dry_run: DryRun = False,
) -> None:
    """Fetch days that were missed, or a vendor's history, and publish: backfill, which nobody witnessed."""
    settings = _settings()
    first, last = _days(since, until)
    asked: dict[str, Any] = {"source": source, "input": input, "vendor": vendor, "prices": prices, "map": map}
    run = open_run(settings, **asked, since=first, until=last)
    if dry_run:
        _print_estimate(run)
        return
    if not fetch_requests(run):
        _print_text(f"Every day from {first} to {last} is whole; nothing was asked for.")
        return
    outcome: pipeline.Outcome = (
        _by_hand(run, "backfill") if plain else _flow("backfill")(since=first, until=last, **asked, wait_for_lock=False)
    )
    _print_funnels(settings, outcome)
    _print_outcome(outcome)
    _print_text(f"Published: {settings.published}")


@app.command()
def reparse(
    since: Annotated[str, typer.Option("--from", help="First day of fetching, YYYY-MM-DD (UTC).")],
    until: Annotated[str, typer.Option("--to", help="Last day of fetching, included.")],
    source: SourceName = "tokenmetrics",
) -> None:
    """Read kept bytes again with today's parser, and publish the result. Calls nobody."""
    settings = _settings()
    first, last = _days(since, until)
    run = open_run(settings, source=source)
    outcome = pipeline.reparse_job(
        run, since=first, until=last, holder=f"trackrecord reparse, run {run.run_id}", wait_seconds=0
    )
    _print_funnels(settings, outcome)
    _print_outcome(outcome)
    _print_text(f"Published: {settings.published}")


@app.command()
def doctor(source: SourceName = "tokenmetrics") -> None:
    """Call each endpoint of a vendor once, and report on its server and what a month will cost."""
    from flows.report.vendor_requests import print_examination, tokenmetrics_of
    from flows.sources.tokenmetrics.doctor import examine

    run = open_run(_settings(), source=source)
    examination = examine(tokenmetrics_of(run.source), run.settings, fetch_requests(run))
    print_examination(console, examination)
    if not examination.is_well:
        raise typer.Exit(1)


@app.command()
def digest(
    week: Annotated[
        str | None, typer.Option(help="A week like 2026-W47, as it stood then; the newest if left out.")
    ] = None,
    due: Annotated[
        bool, typer.Option("--due", help="Only what is due and was not done: for a schedule that calls every hour.")
    ] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Run the same steps without the orchestrator.")] = False,
) -> None:
    """Make the weekly digest from the published file, in every form, and send it where channels are set up."""
    # Charts and templates are needed by no other command.
    from flows.delivery.deliver import require_sent
    from flows.report.digest.job import due_job, weekly_job
    from flows.report.digest.plain_forms import opening

    if due and week:
        raise UsageError("--due finds the week itself: leave --week out.")
    settings = _settings()
    published_file(settings)
    if plain:
        made = due_job(settings) if due else weekly_job(settings, week)
    else:
        orchestrator_defaults()
        from flows.weekly_digest import weekly_digest

        made = weekly_digest(week=week, only_what_is_due=due)
    if made is None:
        _print_text("No digest is to be made: the newest week's was made, or is not due yet.")
        return
    _print_text(opening(made.edition.markdown))
    for receipt in made.receipts:
        _print_text(f"{receipt.key}: {receipt.state.value}. {receipt.note}")
    _print_text(f"Digest: {settings.reports / made.edition.week / 'index.html'}")
    require_sent(made.receipts, is_late_allowed=week is not None)


@app.command()
def note(text: Annotated[str, typer.Argument(help="What readers should know.")]) -> None:
    """Write a note or a correction for the readers of the next digest; it is kept in the journal."""
    from flows.report.digest.moment import weeks_of
    from flows.report.digest.notes import add_note

    settings = _settings()
    if not text.strip():
        raise UsageError("A note needs a text.")
    week = add_note(settings.home, text.strip(), weeks=weeks_of(published_file(settings)))
    _print_text(f"Noted for the digest of {week}.")


@app.command()
def accept(
    rule: Annotated[str, typer.Argument(help="The rule that stopped the run.")],
    snapshot: Annotated[int, typer.Option(help="The snapshot it stopped.")],
    reason: Annotated[str, typer.Option(help="Why it is right to publish all the same.")],
) -> None:
    """Let a stopped snapshot through, recorded for ever; the next run takes it up."""
    settings = _settings()
    with hold_lock(settings.home, "trackrecord accept"), open_warehouse(settings) as connection:
        accept_rule(connection, settings.home, rule=rule, snapshot_id=snapshot, reason=reason)
    _print_text(f"Accepted {rule} for snapshot {snapshot}. Run the same nightly again to publish.")


@app.command("map")
def map_folder(
    folder: Annotated[Path, typer.Argument(help="The folder with another tool's files.")],
) -> None:
    """Propose a trackrecord.toml for a folder that was not made for us, and what it could not recognize."""
    from flows.sources.proposal import propose

    # Plainly, because it is a file's text: `trackrecord map DIR > DIR/trackrecord.toml`.
    print(propose(folder), end="")


@app.command()
def rebuild(
    as_of: Annotated[str, typer.Option(help="The moment (UTC) whose knowledge is wanted.")],
    out: Annotated[Path, typer.Option(help="The file to write; the home is left as it is.")],
) -> None:
    """Write the database as it would have been published at a past moment, from what was known then."""
    moment = _moment(as_of)
    assert moment is not None
    counts = pipeline.rebuild(_settings(), moment, out, holder=f"trackrecord rebuild --as-of {as_of}")
    _print_text(f"{out}: what was known at {moment:%Y-%m-%d %H:%M:%S} UTC, {sum(counts.values())} rows.")


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(help="A folder that is not there yet, best on another disk.")],
) -> None:
    """Copy all that cannot be made again, with a manifest of checksums."""
    settings = _settings()
    with hold_lock(settings.home, "trackrecord backup"):
        n_files = back_up(settings, folder)
    _print_text(f"{folder}: {n_files} files, and their checksums in {MANIFEST}.")


@app.command()
def restore(
    folder: Annotated[Path | None, typer.Argument(help="A backup: the home becomes what it was then.")] = None,
    from_raw: Annotated[
        bool, typer.Option("--from-raw", help="Make the warehouse anew from raw/ and journal/.")
    ] = False,
) -> None:
    """Make a lost or damaged home good. What there was is set aside, never deleted; nothing is sent to anybody."""
    if (folder is None) != from_raw:
        raise UsageError("Name either a backup's folder or --from-raw.")
    settings = _settings()
    with hold_lock(settings.home, "trackrecord restore"), hold_lock(settings.home, "trackrecord restore", name=LOCK):
        set_aside = restore_backup(settings, folder) if folder else restore_from_raw(settings)
    _print_text(f"{settings.home} is restored." + (f" What there was lies in {set_aside}." if set_aside else ""))
    for remark in journal.skipped_lines(settings.home):
        print_line(console, remark)
    print_unknown_outcomes(console, settings.home, _delivery_settings())


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="A select; `set variable as_of = …;` may come before it.")],
    form: Annotated[
        Format | None, typer.Option("--format", help="By default a table, or what the name after --out ends in.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=0, help="At most so many rows.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="A file for the answer, which is replaced.")] = None,
) -> None:
    """Ask the published file, read-only."""
    answer(console, _settings(), sql, form, limit, out)


@app.command()
def status(
    check: Annotated[bool, typer.Option("--check", help="Exit 1 when something is late.")] = False,
    excluded: Annotated[
        bool, typer.Option("--excluded", help="List the tokens that are not scored, with the reasons.")
    ] = False,
) -> None:
    """What is published, how fresh it is, the state of every day, and how the last runs ended."""
    settings = _settings()
    if not settings.published.exists():
        print_last_runs(console, settings.home)
        _print_text(f"Nothing is published yet: {settings.published} does not exist. Run `trackrecord nightly`.")
        raise typer.Exit(1 if check else 0)
    if excluded:
        print_excluded(console, settings)
        return
    is_late = print_status(console, settings, _delivery_settings())
    if check and is_late:
        raise typer.Exit(1)


@app.command()
def deliveries(
    retry: Annotated[bool, typer.Option("--retry", help="Try again what is known to have failed.")] = False,
    resend: Annotated[str | None, typer.Option(metavar="KEY", help="Send what is unknown or expired again.")] = None,
    arrived: Annotated[str | None, typer.Option(metavar="KEY", help="Record that what is unknown did arrive.")] = None,
    drop: Annotated[str | None, typer.Option(metavar="KEY", help="Let it be: never sent, never asked after.")] = None,
) -> None:
    """Where every week's digest stands on every channel; decide about those whose outcome nobody knows."""
    # What sends takes a while to import; `query` and `status` need none of it.
    from flows.delivery import deliver

    home = _settings().home
    tried: list[deliver.Receipt] = []
    if retry:
        tried += deliver.retry(_delivery_settings(), home, utc_now())
    if resend:
        tried.append(deliver.resend(resend, _delivery_settings(), home, utc_now()))
    if arrived:
        deliver.settle(arrived, home, utc_now())
    if drop:
        deliver.drop(drop, home, utc_now())
    for one in read_deliveries(home).values():
        _print_text(f"{one.key}  {one.state}  {one.n_attempts} attempts  {one.reached_at:%Y-%m-%d %H:%M}  {one.note}")
    _print_text(summary(read_deliveries(home).values()))
    deliver.require_sent(tried)


@app.command("dev-server")
def dev_server(
    port: Annotated[int, typer.Option(help="The port of 127.0.0.1 to listen on; 0 takes a free one.")] = 8377,
    tokens: Annotated[int, typer.Option(min=12, help="How many tokens the market has.")] = 120,
    key: Annotated[list[str] | None, typer.Option(help="A key to accept; may be given more than once.")] = None,
    fault: Annotated[
        list[str] | None, typer.Option(help="What goes wrong, as in docs/dev-server.md; may be given more than once.")
    ] = None,
    lacks: Annotated[list[str] | None, typer.Option(help="An endpoint that is not in the plan.")] = None,
    per_minute: Annotated[int | None, typer.Option(min=1, help="Calls a minute before it answers 429.")] = None,
    market_end: Annotated[str | None, typer.Option(help="The market's last day, where another is to be kept.")] = None,
) -> None:
    """Serve the simulated market as the vendor would, to try everything without a key. None of its data is real."""
    from flows.devserver.command import serve  # Nobody else needs a server.

    serve(
        _print_text,
        port=port,
        n_tokens=tokens,
        keys=tuple(key or ()),
        faults=tuple(fault or ()),
        lacks=frozenset(lacks or ()),
        per_minute=per_minute,
        market_end=_moment(market_end),
    )


def main() -> None:
    """Run a command; what a user can mend is one message and an exit code, not a traceback."""
    try:
        try:
            app()
        finally:
            # A full disk under the output shows only now; at the interpreter's end it would be a traceback.
            sys.stdout.flush()
    except TrackrecordError as error:
        _fail(str(error), error.exit_code)
    except OSError as error:
        # Output that could not be written must not be tried once more at the interpreter's end.
        if sys.stdout is sys.__stdout__ and sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        where = f"{error.filename}: " if error.filename else "The output or a file of the home cannot be written: "
        _fail(
            f"{where}{error.strerror or error}. Check that the path exists, may be read and written and has room, then "
            "run again; what is published stays whole.",
            TrackrecordError.exit_code,
        )
    except UnicodeEncodeError as error:
        _fail(
            f"A path or name has bytes that are no UTF-8: {error.object!a}. Rename it and run again; nothing was "
            "changed.",
            TrackrecordError.exit_code,
        )
    except duckdb.IOException as error:
        if not is_damaged_inside(error):
            raise
        _fail(
            f"A database file is damaged: {error} The next nightly sets a damaged warehouse aside and makes it anew; "
            "so does `trackrecord restore --from-raw` at once.",
            TrackrecordError.exit_code,
        )


def _fail(message: str, exit_code: int) -> Never:
    with suppress(OSError):
        errors.print(visible(message), style="red", highlight=False, markup=False)
    sys.exit(exit_code)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text} is not a moment; write it like 2026-03-09T00:20:00 (UTC).") from error
    try:
        return as_utc(moment)
    except OverflowError as error:
        raise UsageError(f"{text} lies beyond the calendar in UTC.") from error


def _days(since: str, until: str) -> tuple[date, date]:
    try:
        first, last = date.fromisoformat(since), date.fromisoformat(until)
    except ValueError as error:
        raise UsageError(f"--from {since} --to {until}: {error}; write days like 2026-03-09.") from error
    if last < first:
        raise UsageError(f"--from {since} lies after --to {until}.")
    return first, last


def _by_hand(run: Run, command: str, job: Callable[..., Any] = pipeline.main_job) -> Any:
    """The same steps without the orchestrator, with their progress on the terminal."""
    return job(run, holder=f"trackrecord {command}, run {run.run_id}", wait_seconds=0, steps=_with_progress())


def _flow(name: str) -> Any:
    """The Prefect flow of that name. Prefect takes seconds to import; who runs no flow needs none of it."""
    orchestrator_defaults()
    return getattr(import_module(f"flows.{name}"), name)


def _print_estimate(run: Run) -> None:
    from flows.report.vendor_requests import print_estimate, tokenmetrics_of

    source = tokenmetrics_of(run.source)
    print_estimate(console, run.settings.home, source, source.estimate(fetch_requests(run)))


def _print_text(text: str) -> None:
    print_line(console, text)


def _settings() -> Settings:
    return _read_settings(Settings)


def _delivery_settings() -> DeliverySettings:
    return _read_settings(DeliverySettings)


def _read_settings(kind: type[S]) -> S:
    try:
        return kind()
    except ValidationError as error:
        problems = "; ".join(
            f"TRACKRECORD_{'_'.join(map(str, at['loc'])).upper()}: {at['msg']}" for at in error.errors()
        )
        raise UsageError(f"The settings in the environment or .env cannot be used. {problems}.") from error


def _with_progress() -> pipeline.Steps:
    """The plain steps, each shown on a terminal while it runs; a log stays quiet."""
    plain = pipeline.Steps()
    if not console.is_terminal:
        return plain

    def shown(name: str) -> Any:
        step = getattr(plain, name)

        def run(*arguments: Any) -> Any:
            with console.status(f"{PROGRESS[name]} …"):
                return step(*arguments)

        return run

    return pipeline.Steps(**{field.name: shown(field.name) for field in fields(plain)})


def _print_funnels(settings: Settings, outcome: pipeline.Outcome) -> None:
    """Print what became of every row, where the run has published."""
    if outcome.n_rows:
        print_funnels(console, read_funnels(settings.published))


def _print_outcome(outcome: pipeline.Outcome) -> None:
    """Print what the run did with each dataset."""
    for one in outcome.snapshots:
        if one.gate is None:
            continue
        quarantined = f", {one.n_quarantined} quarantined" if one.n_quarantined else ""
        _print_text(f"{one.dataset}: {one.n_rows} rows, {one.n_new} new{quarantined} (snapshot {one.snapshot_id})")
        for result in one.gate.warnings:
            _print_text(warning_text(result))
    if all(one.n_new == 0 for one in outcome.snapshots):
        _print_text("Nothing new was delivered.")
    for line in outcome.notes:
        _print_text(line)
    if outcome.build.n_outcomes_moved:
        _print_text(f"{outcome.build.n_outcomes_moved} outcomes moved because bars under them were revised.")


if __name__ == "__main__":
    main()
