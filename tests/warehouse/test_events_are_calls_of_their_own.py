"""Contract, sections 1 and 4: where the style is `events`, a row is an alert or a trade, not a state of the vendor."""

import pytest

from tests.warehouse.scene import Scene, day, flat

CALLS = "vendor, token_id, signal_at, direction, side_before, after_gap"


@pytest.fixture
def alerts(scene: Scene) -> Scene:
    """Three tokens without a move but token 1's rise of a tenth on the 11th; four alerts about two of them."""
    scene.style = "events"
    scene.is_daily_only = True
    scene.seasoned(1, "2026-01-08", *[flat(100)] * 3, (100, 110, 100, 110), *[flat(110)] * 4)
    for token_id in (2, 3):
        scene.seasoned(token_id, "2026-01-08", *[flat(50)] * 8)
    scene.signal(1, "2026-01-08", 1)
    scene.signal(1, "2026-01-10", 1)
    scene.signal(1, "2026-01-12", -1)
    scene.signal(2, "2026-01-09", -1, expires_at="2026-01-12T12:00")
    return scene


def test_every_row_with_a_side_is_a_call(alerts: Scene) -> None:
    """The first one of a token, and one that repeats the side before; a row that closes (0) is none."""
    alerts.signal(2, "2026-01-14", 0)
    alerts.run("2026-01-16T00:20")
    alerts.expect(
        "core.call",
        CALLS,
        ("v", 1, day("08"), 1, None, None),
        ("v", 1, day("10"), 1, 1, True),
        ("v", 1, day("12"), -1, 1, True),
        ("v", 2, day("09"), -1, None, None),
    )
    alerts.expect("work.style", "vendor, timeframe, style", ("v", "1d", "events"))
    alerts.expect("work.first_side", "vendor, token_id, timeframe, signal_at")
    alerts.expect(
        "staging.declared_style",
        "snapshot_id, vendor, timeframe, as_of, style",
        (3, "v", "1d", day("16T00:20"), "events"),
    )
    alerts.expect(
        "temp.sided_row",
        "vendor, token_id, timeframe, signal_at, direction, side_before, before_at, known_at, provenance, is_call",
        ("v", 1, "1d", day("08"), 1, None, None, day("16T00:20"), "backfill", True),
        ("v", 1, "1d", day("10"), 1, 1, day("08"), day("16T00:20"), "backfill", True),
        ("v", 1, "1d", day("12"), -1, 1, day("10"), day("16T00:20"), "backfill", True),
        ("v", 2, "1d", day("09"), -1, None, None, day("16T00:20"), "backfill", True),
    )


def test_every_token_is_covered_from_the_vendors_first_row_on(alerts: Scene) -> None:
    """Token 3, which no alert was about, as well: an alert chooses among all. A stablecoin is not chosen."""
    alerts.token(4, symbol="USDX", categories="Stablecoins")
    alerts.seasoned(4, "2026-01-08", flat(1), flat(1))
    alerts.run("2026-01-16T00:20")
    alerts.expect(
        "work.coverage",
        "token_id, covered_from, newest_signal_at, isfinite(covered_to)",
        (1, day("08"), day("12"), False),
        (2, day("08"), day("09"), False),
        (3, day("08"), None, False),
    )
    # On the 11th token 1 was entered, whose base are the other two: none of them moved, so no long was a hit.
    alerts.expect(
        "marts.signal_outcome",
        "signal_at, entry_at, n_base, hit, base_hit",
        (day("10"), day("11"), 2, True, None),
        where="token_id = 1 and horizon = 1 and entry_rule = 'next_open' and signal_at = '2026-01-10'",
    )


def test_a_stance_lasts_until_the_next_row_or_until_it_expires(alerts: Scene) -> None:
    """Token 1 is long from the 9th and short from the 13th, to the end of the bars: no silence ends an alert.

    Token 2 is short from the 10th until noon of the 12th, which is the last bar that begins before.
    """
    alerts.run("2026-01-16T00:20")
    alerts.expect(
        "marts.sector_equity",
        "bar_start, n_long, n_short",
        (day("08"), 0, 0),
        (day("09"), 1, 0),
        (day("10"), 1, 1),
        (day("11"), 1, 1),
        (day("12"), 1, 1),
        (day("13"), 0, 1),
        (day("14"), 0, 1),
        (day("15"), 0, 1),
        where="timeframe = '1d' and sector = 'all' and policy = 'signal'",
    )
    # A token that nobody alerted belongs to equal weight from the first alert on.
    alerts.expect(
        "marts.sector_equity",
        "bar_start, n_long",
        (day("08"), 3),
        (day("15"), 3),
        where="sector = 'all' and policy = 'equal_weight' and bar_start in ('2026-01-08', '2026-01-15')",
    )


def test_states_do_not_expire_and_repeat_nothing(alerts: Scene) -> None:
    """The same rows, read as states: of four only the turn of token 1 is a call."""
    alerts.style = "states"
    alerts.run("2026-01-16T00:20")
    alerts.expect("core.call", CALLS, ("v", 1, day("12"), -1, 1, True))
    alerts.expect(
        "work.first_side",
        "vendor, token_id, timeframe, signal_at",
        ("v", 1, "1d", day("08")),
        ("v", 2, "1d", day("09")),
    )
    # A stance lasts until two bars after the vendor's newest row, the 12th's.
    alerts.expect(
        "marts.sector_equity",
        "bar_start, n_long, n_short",
        (day("12"), 1, 1),
        (day("13"), 0, 2),
        (day("14"), 0, 0),
        where="sector = 'all' and policy = 'signal' and bar_start between '2026-01-12' and '2026-01-14'",
    )


def test_a_style_that_is_declared_later_reads_everything_anew(alerts: Scene) -> None:
    """The same bytes, once a line in trackrecord.toml declares what they mean."""
    alerts.style = None
    alerts.run("2026-01-16T00:20")
    assert alerts.rows("select count(*) from core.call") == [(1,)]
    alerts.style = "events"
    report = alerts.run("2026-01-17T00:20")
    assert (report.is_full, report.reason) == (True, "the style of known signals changed")
    assert alerts.rows("select count(*) from core.call") == [(4,)]


def test_a_token_that_is_listed_later_is_covered_at_once(alerts: Scene) -> None:
    """In an increment, too: its first bars join the base of the calls entered then."""
    alerts.run("2026-01-16T00:20")
    alerts.bars(1, "2026-01-16", flat(110))
    alerts.seasoned(5, "2026-01-08", *[flat(7)] * 9)
    report = alerts.run("2026-01-17T00:20")
    assert not report.is_full
    alerts.expect("work.coverage", "token_id, covered_from", (5, day("08")), where="token_id = 5")
    alerts.expect(
        "marts.signal_outcome",
        "signal_at, n_base, base_hit",
        (day("10"), 3, 0),
        where="token_id = 1 and horizon = 1 and entry_rule = 'next_open' and signal_at = '2026-01-10'",
    )


def test_an_alert_that_is_removed_leaves_the_next_one_as_it_was(alerts: Scene) -> None:
    """Of states the row after it would be another call than before, or none."""
    alerts.run("2026-01-16T00:20")
    alerts.remove_signals(1, "2026-01-10")
    alerts.run("2026-01-17T00:20")
    alerts.expect(
        "work.restated_call",
        "vendor, token_id, signal_at, is_call, is_unchanged",
        ("v", 1, day("10"), False, False),
    )


def test_an_alert_turned_around_is_judged_as_the_call_it_was(alerts: Scene) -> None:
    """The long of the 10th had won on every horizon; as a short it would have lost, so the change does not flatter."""
    alerts.run("2026-01-16T00:20")
    alerts.remove_signals(1, "2026-01-10")
    alerts.signal(1, "2026-01-10", -1)
    alerts.run("2026-01-17T00:20")
    alerts.expect("work.signal_change", "token_id, signal_at, kind, is_flattering", (1, day("10"), "changed", False))
