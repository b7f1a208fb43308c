"""The ranking of vendors for a terminal and a run's page, in place of a scorecard each where there are many."""

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.report.tables import fits, markdown_row, p_value, points, print_line, visible
from flows.timeframes import TIMEFRAMES

# More scorecards than this, of a vendor each, nobody reads at the end of a run.
MOST_VENDORS = 8

# How many rows of a long ranking are shown, from its beginning and from the end of what can be judged.
N_BEST, N_WORST = 10, 3

# The mark before p and e, which a narrow terminal leaves out: it is what a reader acts on.
HEADINGS = ("rank", "vendor", "held", "calls", "selection, points (95 %)", "mark", "p", "e")

# What the narrowest terminal shows: who, on how many calls, and the edge with its interval.
FEWEST_COLUMNS = 5

MARKS = {"above": "better", "below": "worse", None: ""}


@dataclass(frozen=True)
class Ranked:
    """One vendor and timeframe of the ranking; what could not be judged has no figures but its n."""

    rank: int | None
    vendor: str
    timeframe: str
    horizon: int
    n_calls: int
    edge: float | None
    low: float | None
    high: float | None
    p: float | None
    e: float | None
    mark: str | None


@dataclass(frozen=True)
class Ranking:
    """All vendors in one list, the best first; `is_tradable` is false where none of their calls could be traded."""

    n_vendors: int
    is_tradable: bool
    judged: tuple[Ranked, ...]
    # Those with too few calls, and those without any.
    too_few: tuple[Ranked, ...]
    without: tuple[Ranked, ...]

    @property
    def n_better(self) -> int:
        """How many vendors are marked as better than chance."""
        return count(one.vendor for one in self.judged if one.mark == "above")

    @property
    def n_worse(self) -> int:
        """How many vendors are marked as worse than chance."""
        return count(one.vendor for one in self.judged if one.mark == "below")


def are_many(file: duckdb.DuckDBPyConnection) -> bool:
    """Whether the published file has so many vendors that a page ranks them in place of a scorecard each."""
    (n_vendors,) = file.execute("select count(distinct vendor) from marts.vendor_ranking").fetchone() or (0,)
    return bool(n_vendors > MOST_VENDORS)


def read_ranking(file: duckdb.DuckDBPyConnection) -> Ranking:
    """The ranking by what could be traded; by what the vendors report themselves, where nothing could."""
    (n_tradable,) = file.execute("select sum(n_calls) from marts.vendor_ranking").fetchone() or (None,)
    is_tradable = bool(n_tradable)
    prefix = "" if is_tradable else "next_open_"
    low = f"{prefix}selection_low"
    rows = file.execute(
        f"""
        select
            vendor, timeframe, horizon, {prefix}n_calls, {prefix}is_reportable and {low} is not null,
            {prefix}selection_edge, {low}, {prefix}selection_high, {prefix}selection_p, {prefix}selection_e,
            {prefix}mark
        from marts.vendor_ranking
        order by {prefix}is_reportable desc, {low} desc nulls last, {prefix}n_calls desc, vendor, timeframe
        """
    ).fetchall()
    judged: list[Ranked] = []
    others: list[Ranked] = []
    for vendor, timeframe, horizon, n_calls, is_judged, *figures in rows:
        key = vendor, timeframe, horizon, n_calls
        if is_judged:
            judged.append(Ranked(len(judged) + 1, *key, *figures))
        else:
            others.append(Ranked(None, *key, *[None] * 6))
    return Ranking(
        n_vendors=len({row[0] for row in rows}),
        is_tradable=is_tradable,
        judged=tuple(judged),
        too_few=tuple(one for one in others if one.n_calls),
        without=tuple(one for one in others if not one.n_calls),
    )


def print_ranking(console: Console, ranking: Ranking) -> None:
    """Print the best of the ranking, the last that can be judged, and how many others there are."""
    cuts = range(len(HEADINGS), FEWEST_COLUMNS, -1)
    n_columns = next((n for n in cuts if fits(console, _table(ranking, n))), FEWEST_COLUMNS)
    print_line(console, title(ranking))
    if ranking.judged:
        console.print(_table(ranking, n_columns))
    for line in remarks(ranking):
        print_line(console, line)


def title(ranking: Ranking) -> str:
    """How many vendors there are, and how many of them stand out."""
    entered = "entered once one could" if ranking.is_tradable else "entered at the next open, as they report themselves"
    return (
        f"{ranking.n_vendors:,} vendors, by how well they chose the token of a sector, {entered}: "
        f"{count(one.vendor for one in ranking.judged):,} can be judged; once all of them and every weekly look are "
        f"allowed for, {ranking.n_better:,} are better than chance and {ranking.n_worse:,} worse."
    )


def remarks(ranking: Ranking) -> Iterable[str]:
    """What the table leaves out, and how to read it."""
    if ranking.too_few:
        yield f"Too few calls to be judged: {some_of(one.vendor for one in ranking.too_few)}."
    if ranking.without:
        without = "No call that could be traded" if ranking.is_tradable else "No scored call"
        yield f"{without}: {some_of(one.vendor for one in ranking.without)}."
    if not ranking.is_tradable:
        yield (
            "None of the calls was known in time (backfill), so this is the vendors' best case, and nobody could have "
            "traded it."
        )
    if ranking.judged:
        yield (
            "Selection: against the sector's other tokens at the same bar, over all sectors and both directions; the "
            "order is that of the interval's lower end. p holds for one look, e for every look; marks allow for all."
        )
    yield 'All of them: trackrecord query "from marts.vendor_ranking"'


def ranking_markdown(ranking: Ranking) -> list[str]:
    """The ranking as lines of Markdown, for a run's page."""
    rows = [
        markdown_row(HEADINGS),
        markdown_row("---" for _ in HEADINGS),
        *map(markdown_row, map(cells, ranking.judged)),
    ]
    return ["", title(ranking), "", *(rows if ranking.judged else []), "", *remarks(ranking)]


def count(vendors: Iterable[str]) -> int:
    """How many different vendors there are."""
    return len(set(vendors))


def some_of(vendors: Iterable[str], most: int = 3) -> str:
    """How many vendors there are, and the first of them by name."""
    names = list(dict.fromkeys(vendors))
    if len(names) == 1:
        return names[0]
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return f"{len(names):,} vendors ({', '.join(names[:most])}{rest})"


def cells(one: Ranked) -> tuple[str, ...]:
    """A row of the ranking as text."""
    return (
        f"{one.rank}",
        visible(one.vendor),
        f"{one.horizon} {TIMEFRAMES[one.timeframe].unit}",
        f"{one.n_calls:,}",
        f"{points(one.edge)} ({points(one.low)} to {points(one.high)})",
        MARKS[one.mark],
        p_value(one.p),
        _evidence(one.e),
    )


def _table(ranking: Ranking, n_columns: int) -> Table:
    table = Table(header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for heading in HEADINGS[:n_columns]:
        # A name may be longer than a terminal is wide; nothing else is.
        is_name = heading == "vendor"
        table.add_column(
            heading, justify="left" if is_name or heading == "mark" else "right", no_wrap=not is_name, overflow="fold"
        )
    n_left_out = len(ranking.judged) - N_BEST - N_WORST
    shown = ranking.judged if n_left_out <= 1 else ranking.judged[:N_BEST]
    for one in shown:
        table.add_row(*map(Text, cells(one)[:n_columns]))
    if n_left_out > 1:
        table.add_row("", Text(f"… {n_left_out:,} more"))
        for one in ranking.judged[-N_WORST:]:
            table.add_row(*map(Text, cells(one)[:n_columns]))
    return table


def _evidence(e: float | None) -> str:
    if e is None:
        return "-"
    return f"{e:,.2f}" if e < 1_000_000 else ">1,000,000"
