"""What each bar adds to the curves of two vendors, and what they add up to, in days and in hours."""

from tests.exact import fixed
from tests.warehouse.scene import Scene, day


def test_where_a_holder_enters(second_night: Scene) -> None:
    """The hours' first segment is no seasoned one; their second is from its first bar."""
    second_night.expect(
        "work.hold_entry",
        "vendor, timeframe, token_id, segment, entered_at, entry_price",
        ("v", "1d", 1, 1, day("08"), 100.0),
        ("v", "1d", 2, 1, day("08"), 50.0),
        ("v", "1d", 3, 1, day("08"), 20.0),
        ("v", "1d", 4, 1, day("08"), 10.0),
        ("v", "1d", 5, 1, day("08"), 40.0),
        ("v", "1d", 6, 1, day("08"), 1.0),
        ("v", "1h", 1, 2, day("08"), 330.0),
        ("v", "1h", 2, 2, day("08"), 150.0),
        ("w", "1d", 1, 1, day("08"), 100.0),
        ("w", "1d", 2, 1, day("08"), 50.0),
        ("w", "1h", 1, 2, day("08"), 330.0),
    )


def test_what_a_bar_adds(second_night: Scene) -> None:
    """v on the 9th: 0.1 (long, 110 to 121), -0.1 (short, 50 to 55), -0.05 (long, 20 to 19)."""
    second_night.expect(
        "work.curve_bar",
        "vendor, timeframe, sector, bar_start, n_long, n_short, n_changes, earned, n_covered, "
        "n_covered_changes, covered_earned",
        ("v", "1d", "Gaming", day("08"), 0, 0, 0, 0, 1, 1, fixed(-0.5)),
        ("v", "1d", "Gaming", day("09"), 1, 0, 1, 0, 1, 0, 0),
        ("v", "1d", "Gaming", day("10"), 1, 0, 0, fixed(0.5), 1, 0, fixed(0.5)),
        ("v", "1d", "Gaming", day("11"), 1, 0, 0, fixed(0.1), 1, 0, fixed(0.1)),
        ("v", "1d", "Meme", day("08"), 0, 0, 0, 0, 4, 4, fixed(0.1)),
        ("v", "1d", "Meme", day("09"), 2, 1, 3, fixed(-0.05), 4, 0, fixed(0.2)),
        ("v", "1d", "Meme", day("10"), 1, 2, 2, fixed(-0.4), 4, 0, fixed(-1 / 21)),
        ("v", "1d", "Meme", day("11"), 0, 1, 4, fixed(-0.1), 4, 0, fixed(0.2)),
        ("v", "1h", "Meme", day("08"), 0, 0, 0, 0, 2, 2, 0),
        ("v", "1h", "Meme", day("08T01:00"), 1, 1, 2, fixed(0.1), 2, 0, fixed(-0.1)),
        ("v", "1h", "Meme", day("08T02:00"), 2, 0, 2, fixed(1 / 45), 2, 0, fixed(1 / 45)),
        ("v", "1h", "Meme", day("08T03:00"), 0, 1, 3, fixed(1 / 11), 2, 0, fixed(-1 / 11)),
        ("v", "1h", "Meme", day("08T04:00"), 0, 1, 0, fixed(-0.2), 2, 0, fixed(0.2)),
        ("w", "1d", "Meme", day("08"), 0, 0, 0, 0, 2, 2, fixed(0.1)),
        ("w", "1d", "Meme", day("09"), 1, 1, 2, 0, 2, 0, fixed(0.2)),
        ("w", "1d", "Meme", day("10"), 0, 0, 2, 0, 2, 0, 0),
        ("w", "1d", "Meme", day("11"), 0, 0, 0, 0, 2, 0, fixed(0.1)),
        ("w", "1h", "Meme", day("08"), 0, 0, 0, 0, 1, 1, 0),
        ("w", "1h", "Meme", day("08T01:00"), 1, 0, 1, fixed(-0.1), 1, 0, fixed(-0.1)),
        ("w", "1h", "Meme", day("08T02:00"), 0, 1, 2, fixed(-2 / 9), 1, 0, fixed(2 / 9)),
        ("w", "1h", "Meme", day("08T03:00"), 0, 0, 1, 0, 1, 0, fixed(-1 / 11)),
        ("w", "1h", "Meme", day("08T04:00"), 0, 0, 0, 0, 1, 0, fixed(0.2)),
    )
    second_night.expect(
        "work.curve_bar",
        "vendor, timeframe, sector, bar_start, n_in, n_in_changes, n_joined, in_earned",
        ("v", "1d", "Gaming", day("08"), 1, 1, 1, fixed(-0.5)),
        ("v", "1d", "Gaming", day("09"), 1, 0, 0, 0),
        ("v", "1d", "Gaming", day("10"), 1, 0, 0, fixed(0.25)),
        ("v", "1d", "Gaming", day("11"), 1, 0, 0, fixed(0.075)),
        ("v", "1d", "Meme", day("08"), 4, 4, 4, fixed(0.1)),
        ("v", "1d", "Meme", day("09"), 4, 0, 0, fixed(0.21)),
        ("v", "1d", "Meme", day("10"), 4, 0, 0, fixed(-0.072)),
        ("v", "1d", "Meme", day("11"), 4, 0, 0, fixed(0.1918)),
        ("v", "1h", "Meme", day("08"), 2, 2, 2, 0),
        ("v", "1h", "Meme", day("08T01:00"), 2, 0, 0, fixed(-0.1)),
        ("v", "1h", "Meme", day("08T02:00"), 2, 0, 0, 0),
        ("v", "1h", "Meme", day("08T03:00"), 2, 0, 0, fixed(-0.1)),
        ("v", "1h", "Meme", day("08T04:00"), 2, 0, 0, fixed(0.2)),
        ("w", "1d", "Meme", day("08"), 2, 2, 2, fixed(0.1)),
        ("w", "1d", "Meme", day("09"), 2, 0, 0, fixed(0.21)),
        ("w", "1d", "Meme", day("10"), 2, 0, 0, fixed(-0.022)),
        ("w", "1d", "Meme", day("11"), 2, 0, 0, fixed(0.0968)),
        ("w", "1h", "Meme", day("08"), 1, 1, 1, 0),
        ("w", "1h", "Meme", day("08T01:00"), 1, 0, 0, fixed(-0.1)),
        ("w", "1h", "Meme", day("08T02:00"), 1, 0, 0, fixed(0.2)),
        ("w", "1h", "Meme", day("08T03:00"), 1, 0, 0, fixed(-0.1)),
        ("w", "1h", "Meme", day("08T04:00"), 1, 0, 0, fixed(0.2)),
    )


def test_what_has_added_up(second_night: Scene) -> None:
    second_night.expect(
        "work.curve_sum",
        "timeframe, policy, bar_start, n_long, n_short, n_changes, n_held, bar_return, earned_sum, "
        "n_brought_in, n_ruins",
        ("1d", "equal_weight", day("08"), 4, 0, 4, 4, 0.025, fixed(0.1), 0, 0),
        ("1d", "equal_weight", day("09"), 4, 0, 0, 4, 0.05, fixed(0.3), 0, 0),
        ("1d", "equal_weight", day("10"), 4, 0, 0, 4, -1 / 84, fixed(53 / 210), 0, 0),
        ("1d", "equal_weight", day("11"), 4, 0, 0, 4, 0.05, fixed(19 / 42), 0, 0),
        ("1d", "hold", day("08"), 4, 0, 4, 4, 0.025, fixed(0.1), 4, 0),
        ("1d", "hold", day("09"), 4, 0, 0, 4, 21 / 410, fixed(0.31), 4, 0),
        ("1d", "hold", day("10"), 4, 0, 0, 4, -36 / 2155, fixed(0.238), 4, 0),
        ("1d", "hold", day("11"), 4, 0, 0, 4, 0.045257196790939126, fixed(0.4298), 4, 0),
        ("1d", "signal", day("08"), 0, 0, 0, None, 0.0, 0, 0, 0),
        ("1d", "signal", day("09"), 2, 1, 3, 3, -53 / 3000, fixed(-0.05), 0, 0),
        ("1d", "signal", day("10"), 1, 2, 2, 3, -0.134, fixed(-0.45), 0, 0),
        ("1d", "signal", day("11"), 0, 1, 4, 1, -0.104, fixed(-0.55), 0, 0),
        ("1h", "equal_weight", day("08"), 2, 0, 2, 2, 0.0, 0, 0, 0),
        ("1h", "equal_weight", day("08T01:00"), 2, 0, 0, 2, -0.05, fixed(-0.1), 0, 0),
        ("1h", "equal_weight", day("08T02:00"), 2, 0, 0, 2, 1 / 90, fixed(-7 / 90), 0, 0),
        ("1h", "equal_weight", day("08T03:00"), 2, 0, 0, 2, -1 / 22, fixed(-167 / 990), 0, 0),
        ("1h", "equal_weight", day("08T04:00"), 2, 0, 0, 2, 0.1, fixed(31 / 990), 0, 0),
        ("1h", "hold", day("08"), 2, 0, 2, 2, 0.0, 0, 2, 0),
        ("1h", "hold", day("08T01:00"), 2, 0, 0, 2, -0.05, fixed(-0.1), 2, 0),
        ("1h", "hold", day("08T02:00"), 2, 0, 0, 2, 0.0, fixed(-0.1), 2, 0),
        ("1h", "hold", day("08T03:00"), 2, 0, 0, 2, -1 / 19, fixed(-0.2), 2, 0),
        ("1h", "hold", day("08T04:00"), 2, 0, 0, 2, 1 / 9, 0, 2, 0),
        ("1h", "signal", day("08"), 0, 0, 0, None, 0.0, 0, 0, 0),
        ("1h", "signal", day("08T01:00"), 1, 1, 2, 2, 0.049, fixed(0.1), 0, 0),
        ("1h", "signal", day("08T02:00"), 2, 0, 2, 2, 1 / 90 - 0.001, fixed(11 / 90), 0, 0),
        ("1h", "signal", day("08T03:00"), 0, 1, 3, 1, 0.08790909090909099, fixed(211 / 990), 0, 0),
        ("1h", "signal", day("08T04:00"), 0, 1, 0, 1, -0.2, fixed(13 / 990), 0, 0),
        where="sector = 'Meme' and vendor = 'v'",
    )


def test_what_1_became(second_night: Scene) -> None:
    second_night.expect(
        "marts.sector_equity",
        "timeframe, policy, bar_start, bar_return, equity, drawdown, n_long, n_short, turnover",
        ("1d", "equal_weight", day("08"), 0.025, 1.025, 0.0, 4, 0, 1.0),
        ("1d", "equal_weight", day("09"), 0.05, 1.07625, 0.0, 4, 0, 0.0),
        ("1d", "equal_weight", day("10"), -1 / 84, 1.0634375, -1 / 84, 4, 0, 0.0),
        ("1d", "equal_weight", day("11"), 0.05, 1.116609375, 0.0, 4, 0, 0.0),
        ("1d", "hold", day("08"), 0.025, 1.025, 0.0, 4, 0, 1.0),
        ("1d", "hold", day("09"), 21 / 410, 1.0775, 0.0, 4, 0, 0.0),
        ("1d", "hold", day("10"), -36 / 2155, 1.0595, -36 / 2155, 4, 0, 0.0),
        ("1d", "hold", day("11"), 0.045257196790939126, 1.10745, 0.0, 4, 0, 0.0),
        ("1d", "signal", day("08"), 0.0, 1.0, 0.0, 0, 0, 0.0),
        ("1d", "signal", day("09"), -53 / 3000, 2947 / 3000, -53 / 3000, 2, 1, 1.0),
        ("1d", "signal", day("10"), -0.134, 0.8507006666666667, -0.14929933333333334, 1, 2, 2 / 3),
        ("1d", "signal", day("11"), -0.104, 0.7622277973333332, -0.23777220266666677, 0, 1, 4.0),
        ("1h", "equal_weight", day("08"), 0.0, 1.0, 0.0, 2, 0, 1.0),
        ("1h", "equal_weight", day("08T01:00"), -0.05, 0.95, -0.05, 2, 0, 0.0),
        ("1h", "equal_weight", day("08T02:00"), 1 / 90, 1729 / 1800, -71 / 1800, 2, 0, 0.0),
        ("1h", "equal_weight", day("08T03:00"), -1 / 22, 0.9168939393939393, -0.08310606060606074, 2, 0, 0.0),
        ("1h", "equal_weight", day("08T04:00"), 0.1, 1.0085833333333332, 0.0, 2, 0, 0.0),
        ("1h", "hold", day("08"), 0.0, 1.0, 0.0, 2, 0, 1.0),
        ("1h", "hold", day("08T01:00"), -0.05, 0.95, -0.05, 2, 0, 0.0),
        ("1h", "hold", day("08T02:00"), 0.0, 0.95, -0.05, 2, 0, 0.0),
        ("1h", "hold", day("08T03:00"), -1 / 19, 0.9, -0.1, 2, 0, 0.0),
        ("1h", "hold", day("08T04:00"), 1 / 9, 1.0, -0.0, 2, 0, 0.0),
        ("1h", "signal", day("08"), 0.0, 1.0, 0.0, 0, 0, 0.0),
        ("1h", "signal", day("08T01:00"), 0.049, 1.049, 0.0, 1, 1, 1.0),
        ("1h", "signal", day("08T02:00"), 1 / 90 - 0.001, 1.0596065555555554, 0.0, 2, 0, 1.0),
        ("1h", "signal", day("08T03:00"), 0.08790909090909099, 1.1527556045757574, 0.0, 0, 1, 3.0),
        ("1h", "signal", day("08T04:00"), -0.2, 0.9222044836606059, -0.2, 0, 1, 0.0),
        where="sector = 'Meme' and vendor = 'v'",
    )


def test_the_deepest_falls(second_night: Scene) -> None:
    second_night.expect(
        "marts.sector_drawdown",
        "vendor, sector, timeframe, policy, max_drawdown, peak_at, trough_at, recovered_at, n_bars_under_water",
        ("v", "Gaming", "1d", "equal_weight", -0.5, day("08"), day("08"), None, 4),
        ("v", "Gaming", "1d", "hold", -0.5, day("08"), day("08"), None, 4),
        ("v", "Gaming", "1d", "signal", -0.001, day("08"), day("09"), day("10"), 3),
        ("v", "Meme", "1d", "equal_weight", -1 / 84, day("09"), day("10"), day("11"), 2),
        ("v", "Meme", "1d", "hold", -36 / 2155, day("09"), day("10"), day("11"), 2),
        ("v", "Meme", "1d", "signal", -0.237772202667, day("08"), day("11"), None, 4),
        ("v", "Meme", "1h", "equal_weight", -0.083106060606, day("08"), day("08T03:00"), day("08T04:00"), 5),
        ("v", "Meme", "1h", "hold", -0.1, day("08"), day("08T03:00"), day("08T04:00"), 5),
        ("v", "Meme", "1h", "signal", -0.2, day("08T03:00"), day("08T04:00"), None, 1),
        ("w", "Meme", "1d", "equal_weight", 0.0, day("08"), None, None, 0),
        ("w", "Meme", "1d", "hold", -1 / 105, day("09"), day("10"), day("11"), 2),
        ("w", "Meme", "1d", "signal", -0.001999, day("08"), day("10"), None, 4),
        ("w", "Meme", "1h", "equal_weight", -0.1, day("08"), day("08T01:00"), day("08T02:00"), 3),
        ("w", "Meme", "1h", "hold", -0.1, day("08"), day("08T01:00"), day("08T02:00"), 3),
        ("w", "Meme", "1h", "signal", -0.303273202, day("08"), day("08T03:00"), None, 5),
        where="sector <> 'all'",
    )
