"""What a full build and a night compute anew, scope by scope: the small market on both nights."""

from datetime import datetime

from tests.warehouse.scene import Scene, day


def test_where_the_spine_is_read_from(first_night: Scene, second_night: Scene) -> None:
    """From the last bar before the first new one: of token 4, whose 9th was revised, the 8th."""
    first_night.expect(
        "plan.spine_scope",
        "timeframe, token_id, anchor_at, anchor_segment, anchor_segment_start, anchor_n_filled",
        ("1d", 1, None, None, None, None),
        ("1d", 2, None, None, None, None),
        ("1d", 3, None, None, None, None),
        ("1d", 4, None, None, None, None),
        ("1d", 5, None, None, None, None),
        ("1d", 6, None, None, None, None),
        ("1h", 1, None, None, None, None),
        ("1h", 2, None, None, None, None),
    )
    second_night.expect(
        "plan.spine_scope",
        "timeframe, token_id, anchor_at, anchor_segment, anchor_segment_start, anchor_n_filled",
        ("1d", 1, day("10"), 1, day("01"), 0),
        ("1d", 2, day("10"), 1, day("01"), 0),
        ("1d", 3, day("10"), 1, day("01"), 0),
        ("1d", 4, day("08"), 1, day("01"), 0),
        ("1d", 5, day("10"), 1, day("01"), 1),
        ("1d", 6, day("10"), 1, day("01"), 0),
        ("1h", 1, day("08T03:00"), 2, day("08"), 0),
        ("1h", 2, day("08T03:00"), 2, day("08"), 0),
    )


def test_which_windows_may_change(first_night: Scene, second_night: Scene) -> None:
    """Windows that the new bar closes, of 3, 2 and 1 bars, and those entered on it; of token 4 all over the 9th."""
    first_night.expect(
        "plan.window_scope",
        "timeframe, token_id, entry_from, appended_to, segment",
        ("1d", 1, datetime.min, None, None),
        ("1d", 2, datetime.min, None, None),
        ("1d", 3, datetime.min, None, None),
        ("1d", 4, datetime.min, None, None),
        ("1d", 5, datetime.min, None, None),
        ("1d", 6, datetime.min, None, None),
        ("1h", 1, datetime.min, None, None),
        ("1h", 2, datetime.min, None, None),
    )
    second_night.expect(
        "plan.window_scope",
        "timeframe, token_id, entry_from, appended_to, segment",
        ("1d", 1, day("09"), day("10"), 1),
        ("1d", 2, day("09"), day("10"), 1),
        ("1d", 3, day("09"), day("10"), 1),
        ("1d", 4, day("07"), None, 1),
        ("1d", 5, day("09"), day("10"), 1),
        ("1d", 6, day("09"), day("10"), 1),
        ("1h", 1, day("08T03:00"), day("08T03:00"), 2),
        ("1h", 2, day("08T03:00"), day("08T03:00"), 2),
    )
    second_night.expect(
        "temp.window_span",
        "timeframe, token_id, entry_from, entry_to",
        ("1d", 1, day("09"), day("09")),
        ("1d", 1, day("10"), day("10")),
        ("1d", 1, day("11"), day("11")),
        ("1d", 1, day("11"), datetime.max),
        ("1d", 4, day("07"), datetime.max),
        ("1h", 1, day("08T03:00"), day("08T03:00")),
        ("1h", 1, day("08T04:00"), day("08T04:00")),
        ("1h", 1, day("08T04:00"), datetime.max),
        where="token_id in (1, 4)",
    )


def test_which_calls_are_found_anew(first_night: Scene, second_night: Scene) -> None:
    first_night.expect(
        "plan.call_scope",
        "vendor, timeframe, token_id, signal_from, anchor_at",
        ("v", "1d", 1, datetime.min, None),
        ("v", "1d", 2, datetime.min, None),
        ("v", "1d", 3, datetime.min, None),
        ("v", "1d", 4, datetime.min, None),
        ("v", "1d", 5, datetime.min, None),
        ("v", "1d", 6, datetime.min, None),
        ("v", "1h", 1, datetime.min, None),
        ("v", "1h", 2, datetime.min, None),
        ("w", "1d", 1, datetime.min, None),
        ("w", "1d", 2, datetime.min, None),
        ("w", "1h", 1, datetime.min, None),
    )
    second_night.expect(
        "plan.call_scope",
        "vendor, timeframe, token_id, signal_from, anchor_at",
        ("v", "1d", 1, day("11"), day("10")),
        ("v", "1d", 2, day("08"), day("07")),
        ("v", "1d", 3, day("09"), day("08")),
        ("v", "1d", 4, day("11"), day("10")),
        ("v", "1h", 1, day("08T03:00"), day("08T02:00")),
    )


def test_which_bars_of_curves(first_night: Scene, second_night: Scene) -> None:
    """Days from the earliest touched row, the changed signal of the 8th; hours from the new row of 03:00."""
    first_night.expect(
        "plan.curve_scope",
        "timeframe, bar_from",
        ("1d", datetime.min),
        ("1h", datetime.min),
    )
    second_night.expect(
        "plan.curve_scope",
        "timeframe, bar_from",
        ("1d", day("08")),
        ("1h", day("08T03:00")),
    )
    second_night.expect(
        "plan.live_from",
        "timeframe, live_from",
        ("1d", day("11")),
        ("1h", day("08T04:00")),
    )


def test_whose_base_rates_are_rewritten(second_night: Scene) -> None:
    second_night.expect(
        "plan.reworked_token",
        "vendor, timeframe, token_id",
        ("v", "1d", 4),
    )


def test_which_bars_of_feeds(first_night: Scene, second_night: Scene) -> None:
    first_night.expect(
        "plan.feed_scope",
        "dataset, vendor, timeframe, bar_from, usual_from, n_bars_before",
        ("prices", None, "1d", datetime.min, datetime(2025, 12, 11), 0),
        ("prices", None, "1h", datetime.min, day("09T17:00"), 0),
        ("signals", "v", "1d", datetime.min, datetime(2025, 12, 11), 0),
        ("signals", "v", "1h", datetime.min, day("09T17:00"), 0),
        ("signals", "w", "1d", datetime.min, datetime(2025, 12, 11), 0),
        ("signals", "w", "1h", datetime.min, day("09T17:00"), 0),
        where="dataset in ('prices', 'signals')",
    )
    second_night.expect(
        "plan.feed_scope",
        "dataset, vendor, timeframe, bar_from, usual_from, n_bars_before",
        ("grades", "v", "1d", day("08"), datetime(2025, 12, 11), 0),
        ("levels", "v", "1d", day("08"), datetime(2025, 12, 11), 0),
        ("prices", None, "1d", day("09"), day("01"), 0),
        ("prices", None, "1h", day("08T04:00"), day("09T17:00"), 0),
        ("quantmetrics", "v", "1d", day("08"), datetime(2025, 12, 11), 0),
        ("signals", "v", "1d", day("08"), day("07"), 0),
        ("signals", "v", "1h", day("08T03:00"), day("09T17:00"), 0),
    )


def test_which_entries_are_judged_anew(first_night: Scene, second_night: Scene) -> None:
    """Days: token 4's windows from the 7th on, the new bar, waiting calls; v covers to the 14th now."""
    first_night.expect(
        "temp.outcome_scope",
        "timeframe, entry_at",
        ("1d", day("07")),
        ("1d", day("08")),
        ("1d", day("09")),
        ("1d", day("10")),
        ("1d", day("11")),
        ("1d", day("12")),
        ("1h", day("08")),
        ("1h", day("08T01:00")),
        ("1h", day("08T02:00")),
        ("1h", day("08T03:00")),
        where="entry_at >= '2026-01-07'",
    )
    second_night.expect(
        "temp.outcome_scope",
        "timeframe, entry_at",
        ("1d", day("07")),
        ("1d", day("08")),
        ("1d", day("09")),
        ("1d", day("10")),
        ("1d", day("11")),
        ("1d", day("12")),
        ("1d", day("13")),
        ("1d", day("14")),
        ("1h", day("08T03:00")),
        ("1h", day("08T04:00")),
        ("1h", day("08T06:00")),
    )
    second_night.expect(
        "temp.base_need",
        "timeframe, entry_at, epoch, is_of_entry",
        ("1h", day("08T03:00"), 0, True),
        ("1h", day("08T04:00"), 0, True),
        ("1h", day("08T06:00"), 0, True),
        where="timeframe = '1h'",
    )


def test_which_cells_are_summed_anew(first_night: Scene, second_night: Scene) -> None:
    """Of the hours, the one call whose 2-bar window the new hour closed. Day 20462 since 1970 is the 9th."""
    first_night.expect(
        "temp.sum_scope",
        "vendor, token_id, sector, timeframe, horizon, direction, provenance, entry_rule",
        ("w", 1, "Meme", "1d", 1, -1, "attested", "next_open"),
        ("w", 1, "Meme", "1d", 1, -1, "attested", "tradable"),
        ("w", 1, "Meme", "1d", 2, -1, "attested", "next_open"),
        ("w", 1, "Meme", "1d", 2, -1, "attested", "tradable"),
        ("w", 1, "Meme", "1d", 3, -1, "attested", "next_open"),
        ("w", 1, "Meme", "1d", 3, -1, "attested", "tradable"),
        ("w", 1, "Meme", "1h", 1, -1, "attested", "next_open"),
        ("w", 1, "Meme", "1h", 1, -1, "attested", "tradable"),
        ("w", 1, "Meme", "1h", 2, -1, "attested", "next_open"),
        ("w", 1, "Meme", "1h", 2, -1, "attested", "tradable"),
        where="vendor = 'w' and token_id = 1",
    )
    second_night.expect(
        "temp.sum_scope",
        "vendor, token_id, sector, timeframe, horizon, direction, provenance, entry_rule",
        ("v", 1, "Meme", "1d", 1, -1, "witnessed", "next_open"),
        ("v", 1, "Meme", "1d", 1, 1, "backfill", "next_open"),
        ("v", 1, "Meme", "1d", 2, -1, "witnessed", "next_open"),
        ("v", 1, "Meme", "1d", 3, -1, "witnessed", "next_open"),
        ("v", 1, "Meme", "1d", 3, 1, "backfill", "next_open"),
        ("v", 1, "Meme", "1h", 2, -1, "backfill", "next_open"),
        ("w", 1, "Meme", "1d", 3, -1, "attested", "next_open"),
        ("w", 1, "Meme", "1d", 3, -1, "attested", "tradable"),
        ("w", 2, "Meme", "1d", 2, 1, "attested", "tradable"),
        ("w", 2, "Meme", "1d", 3, 1, "attested", "next_open"),
        where="vendor = 'w' or token_id = 1",
    )
    first_night.expect(
        "temp.block_scope",
        "timeframe, horizon, block",
        ("1d", 1, 20462),
        ("1d", 1, 20463),
        ("1d", 1, 20464),
        ("1d", 1, 20465),
        ("1d", 2, 10231),
        ("1d", 2, 10232),
        ("1d", 3, 6820),
        ("1d", 3, 6821),
        ("1h", 1, 491066),
        ("1h", 1, 491067),
        ("1h", 2, 245533),
    )
    second_night.expect(
        "temp.block_scope",
        "timeframe, horizon, block",
        ("1d", 1, 20462),
        ("1d", 1, 20463),
        ("1d", 1, 20464),
        ("1d", 1, 20465),
        ("1d", 1, 20466),
        ("1d", 2, 10231),
        ("1d", 2, 10232),
        ("1d", 2, 10233),
        ("1d", 3, 6820),
        ("1d", 3, 6821),
        ("1d", 3, 6822),
        ("1h", 2, 245533),
    )


def test_which_cards_are_inferred_anew(first_night: Scene, second_night: Scene) -> None:
    first_night.expect(
        "temp.card_scope",
        "vendor, timeframe, token_id, horizon, is_rescored",
        ("v", "1d", 1, 1, True),
        ("v", "1d", 1, 2, True),
        ("v", "1d", 1, 3, False),
        ("v", "1d", 2, 1, True),
        ("v", "1d", 2, 2, True),
        ("v", "1d", 2, 3, False),
        ("v", "1d", 3, 1, True),
        ("v", "1d", 3, 2, True),
        ("v", "1d", 3, 3, False),
        ("v", "1d", 5, 1, False),
        ("v", "1d", 5, 2, False),
        ("v", "1d", 5, 3, False),
        ("v", "1d", 6, 1, False),
        ("v", "1d", 6, 2, False),
        ("v", "1d", 6, 3, False),
        ("v", "1h", 1, 1, True),
        ("v", "1h", 1, 2, True),
        ("w", "1d", 1, 1, True),
        ("w", "1d", 1, 2, True),
        ("w", "1d", 1, 3, False),
        ("w", "1d", 2, 1, True),
        ("w", "1d", 2, 2, True),
        ("w", "1d", 2, 3, False),
        ("w", "1h", 1, 1, True),
        ("w", "1h", 1, 2, True),
    )
    second_night.expect(
        "temp.card_scope",
        "vendor, timeframe, token_id, horizon, is_rescored",
        ("v", "1d", 1, 1, True),
        ("v", "1d", 1, 2, False),
        ("v", "1d", 1, 3, True),
        ("v", "1d", 2, 1, True),
        ("v", "1d", 2, 2, False),
        ("v", "1d", 2, 3, True),
        ("v", "1d", 3, 1, True),
        ("v", "1d", 3, 2, True),
        ("v", "1d", 3, 3, True),
        ("v", "1d", 4, 1, True),
        ("v", "1d", 4, 2, True),
        ("v", "1d", 4, 3, True),
        ("v", "1d", 5, 3, False),
        ("v", "1d", 6, 3, False),
        ("v", "1h", 1, 2, True),
        ("w", "1d", 1, 3, True),
        ("w", "1d", 2, 2, True),
        ("w", "1d", 2, 3, True),
    )
