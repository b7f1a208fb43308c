"""What became of every row and call: a short table a vendor, and sentences where little or nothing can be scored."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
from rich import box
from rich.console import Console
from rich.table import Table

from flows.report.ranking import MOST_VENDORS, some_of
from flows.report.tables import print_line
from flows.timeframes import TIMEFRAMES
from flows.warehouse.connection import scalar_macros

ROW_STEPS = {
    "quarantined": "quarantined",
    "superseded": "superseded in their bar",
    "preliminary": "of a bar still open",
    "neutral": "neutral, no side",
    "first_of_token": "first of a token",
    "repeated_side": "repeat the side before",
}
CALL_STEPS = ("scored", "open", "unpriced", "excluded")

REASONS = {
    "token_not_scored": "the token is not scored",
    "seasoning": "first 7 days of the token",
    "entry_bar_filled": "no trade at the entry",
    "too_many_filled_bars": "a tenth of the bars missing",
    "no_prices_of_timeframe": "no prices of the timeframe",
    "no_prices_of_token": "no prices of the token",
    "no_bar_at_entry": "no price at the entry",
}

# What a reader can do about the commonest reason why calls are not scored.
ADVICE = {
    "token_not_scored": "stablecoins, wrapped twins and leveraged tokens never are; core.token has the reason of each",
    "seasoning": "they were entered in the first 7 days of their token's prices; deliver prices from earlier on",
    "entry_bar_filled": "the bar they were entered on is missing from the prices, or nothing was traded in it; a "
    "market that closes at night or on weekends cannot be scored",
    "too_many_filled_bars": "more than a tenth of the bars they were held for are missing from the prices",
    "no_prices_of_timeframe": "there are no {timeframe} prices; deliver them, or give the signals the timeframe of the "
    "prices there are",
    "no_prices_of_token": "their tokens have no prices; check that prices and signals name tokens alike",
    "no_bar_at_entry": "there is no price at their entry: the token's prices begin later, have a gap, or had ended",
}

EVENTS = 'write `style = "events"` under `[signals]` in the folder\'s trackrecord.toml, else `style = "states"`'

# A feed looks like events where most tokens have at most so many rows, over at least so many times as many bars.
FEW_ROWS, SPARSE = 3, 4

LOOKS_LIKE_EVENTS = f"""
with tokens as (
    select
        vendor, timeframe, count(*) as n_rows, count(trend) as n_trends,
        min(signal_at) as first_at, max(signal_at) as last_at
    from core.signal
    where revision = 0 and vendor || ' ' || timeframe in (select unnest($feeds))
    group by vendor, timeframe, token_id
),
newest as (
    select
        reread.vendor, reread.timeframe,
        arg_max(json_exists(snapshot.declaration, '$.style'), (reread.as_of, snapshot_id)) as is_declared
    from ops.reread as reread
    inner join ops.snapshot as snapshot using (snapshot_id)
    where reread.dataset = 'signals' and snapshot.superseded_by is null
    group by reread.vendor, reread.timeframe
)
select tokens.vendor, tokens.timeframe
from tokens
-- A folder that declares its style has answered.
anti join newest on tokens.vendor = newest.vendor and tokens.timeframe = newest.timeframe and newest.is_declared
group by tokens.vendor, tokens.timeframe
having
    sum(n_trends) = 0 and avg((n_rows <= {FEW_ROWS})::integer) > 0.5
    and bars_between(timeframe, min(first_at), max(last_at)) >= {SPARSE} * median(n_rows)
"""


@dataclass(frozen=True)
class Funnel:
    """What became of the rows of one vendor and timeframe, by step and reason.

    `looks_like_events`: they are read as states, but are so few a token, without a trend or a row that ends a side,
    that each may be a call of its own.
    """

    vendor: str
    timeframe: str | None
    style: str | None
    horizon: int | None
    counts: dict[tuple[str, str | None], int]
    looks_like_events: bool = False

    @property
    def name(self) -> str:
        """The vendor and the timeframe, as a sentence about them begins."""
        return f"{self.vendor}, {self.timeframe or 'no timeframe'}"

    def n(self, step: str) -> int:
        """Rows or calls at a step, for whatever reason."""
        return sum(n for (name, _), n in self.counts.items() if name == step)

    @property
    def lost(self) -> list[tuple[str, int]]:
        """The reasons why calls cannot be scored, the commonest first."""
        return self.reasons("excluded", "unpriced")

    @property
    def n_lost(self) -> int:
        """How many calls cannot be scored."""
        return sum(n for _, n in self.lost)

    def reasons(self, *steps: str) -> list[tuple[str, int]]:
        """The reasons of some steps, the commonest first."""
        found = [(reason, n) for (step, reason), n in self.counts.items() if step in steps and reason]
        return sorted(found, key=lambda one: (-one[1], one[0]))


def read_funnels(published: Path) -> tuple[Funnel, ...]:
    """The funnels of the published file, by vendor and timeframe."""
    with duckdb.connect(str(published), read_only=True) as file:
        rows = file.execute(
            "select vendor, timeframe, style, horizon, step, reason, n_rows from marts.signal_funnel "
            "order by vendor, timeframe nulls last"
        ).fetchall()
        funnels = funnels_of(rows)
        alike = _look_like_events(file, funnels)
    return tuple(replace(one, looks_like_events=(one.vendor, one.timeframe) in alike) for one in funnels)


def funnels_of(rows: Iterable[tuple[Any, ...]]) -> list[Funnel]:
    """The funnels in rows of vendor, timeframe, style, horizon, step, reason and number, sorted by the first two."""
    funnels = []
    for (vendor, timeframe, style), group in groupby(rows, key=lambda row: row[:3]):
        of_pair = list(group)
        horizon = next((row[3] for row in of_pair if row[3] is not None), None)
        counts = {(step, reason): n for *_, step, reason, n in of_pair}
        funnels.append(Funnel(vendor, timeframe, style, horizon, counts))
    return funnels


def _look_like_events(file: duckdb.DuckDBPyConnection, funnels: Iterable[Funnel]) -> set[tuple[str, str]]:
    # A row that ends a side is a sign of states, so that only feeds without one are looked at.
    feeds = [f"{one.vendor} {one.timeframe}" for one in funnels if one.style == "states" and not one.n("neutral")]
    if not feeds:
        return set()
    file.execute(scalar_macros(TIMEFRAMES))
    return set(file.execute(LOOKS_LIKE_EVENTS, {"feeds": feeds}).fetchall())


def print_funnels(console: Console, funnels: Iterable[Funnel]) -> None:
    """Print one table a vendor, or one of all where they are many, and below it what keeps calls from being scored."""
    by_vendor = {vendor: list(of) for vendor, of in groupby(funnels, key=lambda one: one.vendor)}
    if len(by_vendor) > MOST_VENDORS:
        every = [one for of_vendor in by_vendor.values() for one in of_vendor]
        print_line(console, f"{len(by_vendor):,} vendors: what became of their rows")
        console.print(_table(pooled(every)))
        for line in shared_remarks(every):
            print_line(console, line)
        print_line(console, 'Each of them: trackrecord query "from marts.signal_funnel"')
        return
    for vendor, of_vendor in by_vendor.items():
        print_line(console, f"{vendor}: what became of its rows")
        console.print(_table(of_vendor))
        for line in remarks(of_vendor):
            print_line(console, line)


def pooled(funnels: Iterable[Funnel]) -> list[Funnel]:
    """One funnel a timeframe, of all vendors together."""
    counts: dict[str | None, Counter[tuple[str, str | None]]] = {}
    for one in funnels:
        counts.setdefault(one.timeframe, Counter()).update(one.counts)
    return [Funnel("", timeframe, None, None, dict(of)) for timeframe, of in counts.items()]


def _table(funnels: list[Funnel]) -> Table:
    table = Table(
        header_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1),
    )
    table.add_column("rows", no_wrap=True)
    for one in funnels:
        table.add_column(one.timeframe or "none", justify="right", no_wrap=True)
    for label, cells in table_rows(funnels):
        table.add_row(label, *(f"{n:,}" if n else "" for n in cells))
    return table


def table_rows(funnels: list[Funnel]) -> Iterator[tuple[str, list[int]]]:
    """The rows of a vendor's table: a label, and a number a timeframe. Steps at which nothing is are left out."""
    yield "delivered", [one.n("delivered") for one in funnels]
    for step, label in ROW_STEPS.items():
        yield from _step_rows(funnels, step, f"  {label}", {})
    yield "  calls", [one.n("call") for one in funnels]
    for step in CALL_STEPS:
        yield from _step_rows(funnels, step, f"    {step}", REASONS)


def _step_rows(funnels: list[Funnel], step: str, label: str, words: dict[str, str]) -> Iterator[tuple[str, list[int]]]:
    reasons = sorted({reason for one in funnels for reason, _ in one.reasons(step)})
    for reason in reasons:
        yield f"{label}: {words.get(reason, reason)}", [one.counts.get((step, reason), 0) for one in funnels]
    if not reasons and any(one.n(step) for one in funnels):
        yield label, [one.n(step) for one in funnels]


def remarks(funnels: Iterable[Funnel]) -> Iterator[str]:
    """A sentence for each feed of which nothing, or less than half of its calls, can be scored, and what to do."""
    for one in funnels:
        n_calls = one.n("call")
        if not n_calls:
            yield _without_calls(one)
        elif lost_for(one):
            reason, n = one.lost[0]
            most = "all of them" if n == n_calls else f"{n:,} of them"
            advice = ADVICE[reason].format(timeframe=one.timeframe)
            yield f"{one.name}: {one.n_lost:,} of {n_calls:,} calls cannot be scored. The reason for {most}: {advice}."
        elif not one.n("scored"):
            yield f"{one.name}: none of its {n_calls:,} calls has been held for {one.horizon} bars yet."
        if one.looks_like_events:
            yield (
                f"{one.name}: few rows a token, no trend, and none that ends a side. They are read as states, of which "
                f"only a change of side is a call; if each row is an alert or a trade of its own, {EVENTS}."
            )


def shared_remarks(funnels: Iterable[Funnel]) -> Iterator[str]:
    """A sentence for each thing that is wrong with feeds, however many have it, the commonest first."""
    groups: dict[str, list[str]] = {}
    for one in funnels:
        for what in wrong_with(one):
            groups.setdefault(what, []).append(one.vendor)
    for what, vendors in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])):
        yield f"{some_of(vendors)}: {what}."


def lost_for(one: Funnel) -> str | None:
    """The commonest reason why calls cannot be scored, where that is so of more than half of them."""
    return one.lost[0][0] if 2 * one.n_lost > one.n("call") else None


def wrong_with(one: Funnel) -> Iterator[str]:
    """What is wrong with a feed, in the same words for every feed of which it is true."""
    reason = lost_for(one)
    if not one.n("call"):
        step = max(ROW_STEPS, key=one.n)
        yield f"nothing to score, none of the {one.timeframe} rows is a call; most of them: {ROW_STEPS[step]}"
    elif reason is not None:
        advice = ADVICE[reason].format(timeframe=one.timeframe)
        yield f"most of the {one.timeframe} calls cannot be scored. The commonest reason: {advice}"
    elif not one.n("scored"):
        yield f"none of the {one.timeframe} calls has been held for {one.horizon} bars yet"
    if one.looks_like_events:
        yield (
            f"few {one.timeframe} rows a token, no trend, and none that ends a side, of which only a change of side is "
            f"a call; if each row is an alert or a trade of its own, {EVENTS}"
        )


def _without_calls(one: Funnel) -> str:
    """Why none of a feed's rows is a call."""
    n_rows = one.n("delivered")
    parts = [f"{one.n(step):,} {label}" for step, label in ROW_STEPS.items() if one.n(step)]
    first = one.n("first_of_token")
    why = (
        " A vendor of states makes a call when a token changes its side; nobody saw the first side begin."
        if first
        else ""
    )
    return f"{one.name}: nothing to score, none of {n_rows:,} rows is a call ({', '.join(parts)}).{why}"
