"""The scorecard for a terminal and a run's page: rates with n and interval beside their base rates."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.report.pace import enough_at
from flows.report.ranking import Ranking, are_many, print_ranking, ranking_markdown, read_ranking
from flows.report.tables import fits, markdown_row, p_value, points
from flows.scoring.inference import MIN_CLUSTERS, MIN_EFFECTIVE
from flows.timeframes import headline_horizon

# The first page shows one horizon a timeframe, the headline.
QUERY = """
with headlines as (
    select unnest($headlines, recursive := true)
),
newest as (
    select vendor, timeframe, max(signal_at) as newest_signal_at
    from core.signal
    where revision = 0
    group by vendor, timeframe
),
spans as (
    select
        vendor, timeframe, horizon, entry_rule, coalesce(sector, 'all') as sector,
        max(entry_at) filter (where hit is not null) - min(entry_at) filter (where hit is not null) as span
    from marts.signal_outcome
    group by vendor, timeframe, horizon, entry_rule, rollup (sector)
)
select
    card.vendor, card.sector, card.timeframe, card.horizon, card.n_calls, card.hit_rate,
    card.hit_rate_low, card.hit_rate_high, card.n_effective, card.base_rate, card.edge, card.edge_p,
    card.selection_edge, card.selection_p, card.mean_return, card.mean_drawdown, card.worst_drawdown,
    card.is_reportable, card.n_clusters, spans.span, newest.newest_signal_at
from marts.signal_scorecard as card
inner join headlines using (timeframe, horizon)
left join newest using (vendor, timeframe)
left join spans using (vendor, sector, timeframe, horizon, entry_rule)
where card.n_calls > 0 and card.direction = 'both' and card.provenance = 'all' and card.entry_rule = 'next_open'
order by card.vendor, card.timeframe, card.sector <> 'all', card.n_calls desc, card.sector
"""

HEADINGS = (
    "sector",
    "calls",
    "hit rate (95 %)",
    "base",
    "edge (p)",
    "selection (p)",
    "return",
    "drawdown, worst",
)

# The narrowest terminal still shows the sector, n, and the rate with its interval.
FEWEST_COLUMNS = 3

LEGEND = (
    "Hit rate: calls that made money after costs, with its interval. Base: what any entry in the same tokens and span "
    "would have hit; edge: the difference, in points. Selection: against the sector's other tokens at the same bar. "
    "Return and drawdown: means over the calls; worst: the deepest. "
    "Too few: a rate needs calls worth 30 independent ones, in 10 separate stretches of time; the month is when "
    "there will be enough at the present pace."
)


@dataclass(frozen=True)
class Section:
    """The cells of one vendor and timeframe, as text."""

    title: str
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Scorecard:
    """The scorecard's first page as text, with the run it comes from; of many vendors a ranking in its place."""

    as_of: datetime
    run_id: str
    is_simulated: bool
    sections: tuple[Section, ...]
    ranking: Ranking | None = None


def read_scorecard(published: Path) -> Scorecard:
    """Read the scorecard's first page from the published file."""
    with duckdb.connect(str(published), read_only=True) as file:
        publish = file.execute(
            "select as_of, run_id, is_simulated, horizons from ops.publish order by published_at desc limit 1"
        ).fetchone()
        assert publish is not None
        if are_many(file):
            return Scorecard(publish[0], publish[1], publish[2], (), read_ranking(file))
        headlines = [
            {"timeframe": timeframe, "horizon": headline_horizon(timeframe, horizons)}
            for timeframe, horizons in json.loads(publish[3]).items()
        ]
        cursor = file.execute(QUERY, {"headlines": headlines})
        names = [column[0] for column in cursor.description or ()]
        cells = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    stamp = "SIMULATED: " if publish[2] else ""
    groups: dict[tuple[str, str, int], list[tuple[str, ...]]] = {}
    for cell in cells:
        key = (str(cell["vendor"]), str(cell["timeframe"]), int(cell["horizon"]))
        groups.setdefault(key, []).append(_row(cell, publish[0]))
    sections = tuple(
        Section(f"{stamp}{vendor}, {timeframe} calls held for {horizon} bars, entered at the next open", tuple(rows))
        for (vendor, timeframe, horizon), rows in groups.items()
    )
    return Scorecard(publish[0], publish[1], publish[2], sections)


def print_scorecard(console: Console, card: Scorecard) -> None:
    """Print the scorecard as tables."""
    stamp = " SIMULATED: no real market, no real vendor." if card.is_simulated else ""
    cuts = range(len(HEADINGS), FEWEST_COLUMNS, -1)
    n_columns = next((n for n in cuts if all(fits(console, _table(one, n)) for one in card.sections)), FEWEST_COLUMNS)
    for section in card.sections:
        console.print(_table(section, n_columns))
    if card.ranking is not None:
        print_ranking(console, card.ranking)
    if n_columns < len(HEADINGS):
        console.print(f"A wider page also shows: {', '.join(HEADINGS[n_columns:])}.", highlight=False)
    if card.ranking is None:
        console.print(LEGEND if card.sections else "Nothing is scored yet.", highlight=False)
    console.print(f"As of {card.as_of:%Y-%m-%d %H:%M} UTC, run {card.run_id}.{stamp}", highlight=False)


def _table(section: Section, n_columns: int) -> Table:
    table = Table(
        # `Text` keeps rich from reading brackets in a vendor's name as markup.
        title=Text(section.title),
        title_justify="left",
        header_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1),
    )
    for place, heading in enumerate(HEADINGS[:n_columns]):
        table.add_column(heading, justify="left" if place == 0 else "right", no_wrap=True)
    for row in section.rows:
        table.add_row(*map(Text, row[:n_columns]), style="bold" if row[0] == "all" else None)
    return table


def scorecard_markdown(card: Scorecard) -> str:
    """The scorecard as Markdown, for a run's page."""
    lines = [
        "**Simulated.**" if card.is_simulated else "",
        f"As of {card.as_of:%Y-%m-%d %H:%M} UTC, run {card.run_id}.",
    ]
    for section in card.sections:
        lines += ["", f"### {section.title}", "", markdown_row(HEADINGS), markdown_row("---" for _ in HEADINGS)]
        lines += [markdown_row(row) for row in section.rows]
    if card.ranking is not None:
        lines += ranking_markdown(card.ranking)
    return "\n".join(lines)


def _row(cell: dict[str, Any], as_of: datetime) -> tuple[str, ...]:
    n = f"{cell['n_calls']}"
    if not cell["is_reportable"]:
        return (str(cell["sector"]), n, f"too few (n = {n}, {_lack(cell, as_of)})", *("" for _ in HEADINGS[3:]))
    return (
        str(cell["sector"]),
        n,
        f"{_percent(cell['hit_rate'])} ({_number(cell['hit_rate_low'])} to {_number(cell['hit_rate_high'])})",
        _percent(cell["base_rate"]),
        f"{points(cell['edge'])} ({p_value(cell['edge_p'])})",
        f"{points(cell['selection_edge'])} ({p_value(cell['selection_p'])})",
        f"{points(cell['mean_return'])} %",
        f"{_percent(cell['mean_drawdown'])}, {_percent(cell['worst_drawdown'])}",
    )


def _lack(cell: dict[str, Any], as_of: datetime) -> str:
    """What a cell lacks, calls or stretches of time, and when it will be enough, where it has a present pace."""
    n_effective, n_clusters = cell["n_effective"] or 0, cell["n_clusters"]
    enough = enough_at(
        now=as_of,
        newest_signal_at=cell["newest_signal_at"],
        span=cell["span"],
        n_effective=cell["n_effective"],
        n_clusters=n_clusters,
    )
    lack = (
        f"{n_clusters} of {MIN_CLUSTERS} stretches"
        if n_effective >= MIN_EFFECTIVE
        else f"worth {n_effective:.0f} of {MIN_EFFECTIVE:.0f}"
    )
    return f"{lack}, by {enough:%Y-%m}" if enough else lack


def _percent(value: object) -> str:
    return f"{100 * value:.1f} %" if isinstance(value, float) else "-"


def _number(value: object) -> str:
    return f"{100 * value:.1f}" if isinstance(value, float) else "-"
