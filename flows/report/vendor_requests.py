"""Requests to a vendor's API on a terminal: what a run would cost, what a month has cost, and the doctor's findings."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.clock import utc_now
from flows.errors import UsageError
from flows.sources.base import Source
from flows.sources.exchange import PricesFrom
from flows.sources.tokenmetrics import TokenMetricsSource, ledger
from flows.sources.tokenmetrics.doctor import Examination, finding_rows
from flows.sources.tokenmetrics.endpoints import BY_NAME
from flows.sources.tokenmetrics.source import read_settings


def tokenmetrics_of(source: Source) -> TokenMetricsSource:
    """The Token Metrics source. Raises UsageError for a source that makes no paid requests."""
    source = source.source if isinstance(source, PricesFrom) else source
    if not isinstance(source, TokenMetricsSource):
        raise UsageError(f"--source {source.name} calls nobody: there is nothing to count or to examine.")
    return source


def print_estimate(console: Console, home: Path, source: TokenMetricsSource, calls: Mapping[str, int]) -> None:
    """Requests and credits by dataset and endpoint, the credits left this month, and how long the rate limit takes."""
    table = Table("dataset", "endpoint", "calls = credits")
    for name, n_calls in sorted(calls.items(), key=lambda item: (BY_NAME[item[0]].dataset or "~", item[0])):
        table.add_row(BY_NAME[name].dataset or "raw only", name, str(n_calls))
    total = sum(calls.values())
    table.add_section()
    table.add_row("all", "", str(total))
    console.print(table)
    settings = source.settings
    spent = ledger.credits_spent(home, utc_now())
    console.print(
        f"{settings.monthly_credits - spent} of {settings.monthly_credits} credits are left this month. "
        "Retries come on top, and what does not come is asked for once more.",
        highlight=False,
    )
    if settings.requests_per_minute:
        console.print(
            f"At {settings.requests_per_minute} requests a minute: about {total / settings.requests_per_minute:.0f} "
            "minutes. Nothing was called.",
            highlight=False,
        )


def print_use(console: Console, home: Path, now: datetime) -> None:
    """The month's requests, credits and latencies by endpoint; nothing where none was made."""
    uses = ledger.use_by_endpoint(home, now)
    if not uses:
        return
    spent = sum(use.n_credits for use in uses)
    console.print(f"Token Metrics in {now:%Y-%m}: {spent} of {_credits()} credits.", highlight=False)
    table = Table("endpoint", "calls", "credits", "failed", "p50 ms", "p95 ms", "p99 ms")
    for use in uses:
        latencies = ("" if value is None else f"{value:.0f}" for value in (use.p50, use.p95, use.p99))
        table.add_row(use.endpoint, str(use.n_calls), str(use.n_credits), str(use.n_failed), *latencies)
    console.print(table)


def print_examination(console: Console, examination: Examination) -> None:
    """The doctor's findings: facts, then one row an endpoint."""
    for name, fact in examination.facts:
        console.print(Text(f"{name}: {fact}"))
    table = Table("endpoint", "rows", "fields", "new", "vanished", "renamed", "ms", "remark")
    for row in finding_rows(examination.findings):
        table.add_row(*(Text("" if value is None else str(value)) for value in row))
    console.print(table)
    if examination.samples is not None and examination.samples.exists():
        console.print(Text(f"Samples, without a key, for a bug report: {examination.samples}"))


def _credits() -> str:
    try:
        return str(read_settings().monthly_credits)
    except UsageError:
        return "?"
