"""The states of the days as a calendar: one line a feed, one letter a day, the newest on the right."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta

from rich.console import Console

from flows.timeframes import TIMEFRAMES
from flows.warehouse.days import Day

N_DAYS_SHOWN = 42

# In order from worst to best, because an hourly feed's day shows the worst of its hours.
LETTERS = {
    "late": "L",
    "missing": "M",
    "unrecoverable": "U",
    "partial": "p",
    "backfilled": "b",
    "complete": ".",
}
LEGEND = ". complete, b backfilled, p partial, L late, M missing, U unrecoverable; a space: nothing was expected"


def print_calendar(console: Console, days: Iterable[Day]) -> None:
    """Draw the last weeks of every feed, and how many days it has in each state since it began."""
    by_feed: dict[str, list[Day]] = defaultdict(list)
    for day in days:
        by_feed[_feed(day)].append(day)
    if not by_feed:
        return
    newest = max(day.bar_start.date() for feed in by_feed.values() for day in feed)
    width = max(map(len, by_feed))
    console.print(f"Days, the newest ({newest}) on the right:", highlight=False)
    for feed, feed_days in sorted(by_feed.items()):
        console.print(f"  {feed:<{width}}  {_line(feed_days, newest)}", highlight=False, markup=False)
    console.print(f"  {LEGEND}", highlight=False, markup=False)


def late_feeds(days: Iterable[Day]) -> list[str]:
    """One sentence for every feed that is late."""
    late: dict[str, list[Day]] = defaultdict(list)
    for day in days:
        if day.state == "late":
            late[_feed(day)].append(day)
    return [
        f"Late: {feed} lacks {len(feed_days)} {TIMEFRAMES[feed_days[0].timeframe].noun}s "
        f"since {min(day.bar_start for day in feed_days):%Y-%m-%d %H:%M}. Run the nightly again."
        for feed, feed_days in sorted(late.items())
    ]


def _line(feed_days: list[Day], newest: date) -> str:
    severity = list(LETTERS)
    worst: dict[date, str] = {}
    for day in feed_days:
        at = day.bar_start.date()
        worst[at] = min(worst.get(at, "complete"), day.state, key=severity.index)
    shown = [newest - timedelta(days=back) for back in reversed(range(N_DAYS_SHOWN))]
    return "".join(LETTERS[worst[at]] if at in worst else " " for at in shown).rstrip()


def _feed(day: Day) -> str:
    return f"{day.dataset} {day.timeframe}" + (f" of {day.vendor}" if day.vendor else "")
