"""The calendar shows the worst state of each day, and late feeds are named in a sentence."""

from datetime import datetime
from io import StringIO

from rich.console import Console

from flows.report.calendar import late_feeds, print_calendar
from flows.warehouse.days import Day


def a_day(dataset: str, vendor: str | None, timeframe: str, bar_start: datetime, state: str) -> Day:
    return Day(dataset, vendor, timeframe, bar_start, state, 0, 0, 0, None, None)


def test_a_letter_a_day_and_a_line_a_feed() -> None:
    states = ["complete", "backfilled", "unrecoverable", "partial", "missing", "late"]
    daily = [a_day("signals", "acme", "1d", datetime(2026, 1, 1 + n), state) for n, state in enumerate(states)]
    hours = [
        a_day("prices", None, "1h", datetime(2026, 1, 6, hour), "missing" if hour == 7 else "complete")
        for hour in range(24)
    ]
    out = StringIO()
    print_calendar(Console(file=out, width=120), [*daily, *hours])
    lines = out.getvalue().splitlines()
    assert lines[0] == "Days, the newest (2026-01-06) on the right:"
    prices, signals = lines[1:3]
    assert prices.startswith("  prices 1h ")
    assert prices.endswith("  M")
    assert signals.startswith("  signals 1d of acme  ")
    assert signals.endswith(".bUpML")
    assert len(prices) == len(signals)


def test_what_is_late_is_named_with_its_beginning() -> None:
    days = [a_day("signals", "acme", "1d", datetime(2026, 1, n), "late") for n in (4, 3)]
    assert late_feeds([*days, a_day("prices", None, "1d", datetime(2026, 1, 3), "missing")]) == [
        "Late: signals 1d of acme lacks 2 days since 2026-01-03 00:00. Run the nightly again."
    ]


def test_nothing_expected_draws_nothing() -> None:
    out = StringIO()
    print_calendar(Console(file=out), [])
    assert out.getvalue() == ""
