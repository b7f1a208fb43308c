"""What a night needs of the build before it, and what it finds new, each vendor and timeframe for itself."""

from datetime import datetime, timedelta

from tests.warehouse.scene import Scene, day


def test_the_earliest_row_touched(second_night: Scene) -> None:
    second_night.expect(
        "staging.touched_row",
        "dataset, vendor, timeframe, token_id, touched_from",
        ("grades", "v", "1d", 1, day("08")),
        ("levels", "v", "1d", 1, day("08")),
        ("prices", None, "1d", 1, day("11")),
        ("prices", None, "1d", 2, day("11")),
        ("prices", None, "1d", 3, day("11")),
        ("prices", None, "1d", 4, day("09")),
        ("prices", None, "1d", 5, day("11")),
        ("prices", None, "1d", 6, day("11")),
        ("prices", None, "1h", 1, day("08T04:00")),
        ("prices", None, "1h", 2, day("08T04:00")),
        ("quantmetrics", "v", "1d", 1, day("08")),
        ("signals", "v", "1d", 1, day("11")),
        ("signals", "v", "1d", 2, day("08")),
        ("signals", "v", "1d", 3, day("09")),
        ("signals", "v", "1d", 4, day("11")),
        ("signals", "v", "1h", 1, day("08T03:00")),
    )
    second_night.expect(
        "temp.touched_bar",
        "timeframe, token_id, touched_from",
        ("1d", 1, day("11")),
        ("1d", 2, day("11")),
        ("1d", 3, day("11")),
        ("1d", 4, day("09")),
        ("1d", 5, day("11")),
        ("1d", 6, day("11")),
        ("1h", 1, day("08T04:00")),
        ("1h", 2, day("08T04:00")),
    )


def test_what_was_known_before(second_night: Scene) -> None:
    second_night.expect(
        "temp.coverage_before",
        "vendor, timeframe, token_id, covered_from, newest_signal_at, covered_to",
        ("v", "1d", 1, day("07"), day("10"), day("13")),
        ("v", "1d", 2, day("07"), day("10"), day("13")),
        ("v", "1d", 3, day("07"), day("10"), day("13")),
        ("v", "1d", 4, day("07"), day("10"), day("13")),
        ("v", "1d", 5, day("07"), day("08"), day("13")),
        ("v", "1d", 6, day("07"), day("08"), day("13")),
        ("v", "1h", 1, day("08"), day("08T02:00"), day("08T05:00")),
        ("v", "1h", 2, day("08"), day("08T02:00"), day("08T05:00")),
        ("w", "1d", 1, day("06"), day("08"), day("11")),
        ("w", "1d", 2, day("06"), day("08"), day("11")),
        ("w", "1h", 1, day("08"), day("08T01:00"), day("08T04:00")),
    )
    second_night.expect(
        "temp.token_before",
        "token_id, symbol, sector, is_scored",
        (1, "ONE", "Meme", True),
        (2, "TWO", "Meme", True),
        (3, "THREE", "Meme", True),
        (4, "FOUR", "Meme", True),
        (5, "FIVE", "Gaming", True),
        (6, "SIX", "Stablecoins", False),
    )
    second_night.expect(
        "temp.style_before",
        "vendor, timeframe, style",
        ("v", "1d", "states"),
        ("v", "1h", "states"),
        ("w", "1d", "states"),
        ("w", "1h", "states"),
    )
    second_night.expect(
        "temp.epoch_before",
        "epoch, valid_from",
        (0, datetime.min),
    )
    second_night.expect(
        "temp.feed_before",
        "dataset, vendor, timeframe, expected_from",
        ("signals", "v", "1d", day("10")),
        ("signals", "v", "1h", day("10T23:00")),
        ("signals", "w", "1d", day("10")),
        ("signals", "w", "1h", day("10T23:00")),
        where="dataset = 'signals'",
    )


def test_nothing_asks_for_a_full_build(second_night: Scene) -> None:
    second_night.expect("plan.full_reason", "reason")


def test_which_windows_are_recent_or_open(first_night: Scene, second_night: Scene) -> None:
    """The newest bar less 33 days and 32 hours; where segments went on, less the longest horizon."""
    first_night.expect(
        "plan.recent",
        "timeframe, recent_from",
        ("1d", datetime(2025, 12, 8)),
        ("1h", day("06T19:00")),
    )
    second_night.expect(
        "plan.open_from",
        "timeframe, open_from",
        ("1d", day("08")),
        ("1h", day("08T02:00")),
    )


def test_rows_read_again(second_night: Scene) -> None:
    second_night.expect(
        "temp.reread_row",
        "dataset, vendor, timeframe, token_id, key, moment_at",
        ("grades", "v", "1d", 1, "tm", day("08")),
        ("grades", "v", "1d", 1, "tm", day("09")),
        ("grades", "v", "1d", 1, "trader", day("08")),
        ("grades", "w", "1d", 1, "tm", day("08")),
        ("levels", "v", "1d", 1, "130.0", day("09")),
        ("levels", "v", "1d", 1, "90.0", day("08")),
        ("levels", "v", "1h", 1, "90.0", day("08")),
        ("levels", "w", "1d", 1, "90.0", day("08")),
        ("quantmetrics", "v", "1d", 1, "30", day("08")),
        ("quantmetrics", "v", "1d", 1, "30", day("09")),
        ("quantmetrics", "v", "1d", 1, None, day("08")),
        ("quantmetrics", "w", "1d", 1, "30", day("08")),
        ("signals", "v", "1d", 1, None, day("07")),
        ("signals", "v", "1d", 1, None, day("08")),
        ("signals", "v", "1d", 1, None, day("09")),
        ("signals", "v", "1d", 1, None, day("10")),
        ("signals", "v", "1h", 1, None, day("08")),
        ("signals", "v", "1h", 1, None, day("08T01:00")),
        ("signals", "v", "1h", 1, None, day("08T02:00")),
        ("signals", "w", "1d", 1, None, day("06")),
        ("signals", "w", "1d", 1, None, day("08")),
        ("signals", "w", "1h", 1, None, day("08")),
        ("signals", "w", "1h", 1, None, day("08T01:00")),
        where="token_id = 1",
    )


def test_rows_gone_and_come(second_night: Scene) -> None:
    second_night.expect(
        "work.row_restatement",
        "vendor, dataset, token_id, timeframe, key, moment_at, kind, first_known_at, changed_at, age_when_changed",
        ("v", "signals", 3, "1d", None, day("08"), "vanished", None, day("12T00:20"), timedelta(days=4, minutes=20)),
        (
            "v",
            "signals",
            3,
            "1d",
            None,
            day("09"),
            "appeared",
            day("12T00:20"),
            day("12T00:20"),
            timedelta(days=3, minutes=20),
        ),
    )


def test_delivered_tokens(second_night: Scene) -> None:
    second_night.expect(
        "staging.delivered_tokens",
        "snapshot_id, row_number, token_id, symbol, categories, as_of, fetched_at, is_replay",
        (1, 1, 1, "ONE", ["Meme"], day("11T00:20"), day("11T00:20"), False),
        (1, 6, 6, "SIX", ["Stablecoins"], day("11T00:20"), day("11T00:20"), False),
        where="token_id in (1, 6)",
    )


def test_delivered_prices(second_night: Scene) -> None:
    second_night.expect(
        "staging.delivered_prices",
        "snapshot_id, row_number, token_id, timeframe, bar_start, open, high, low, close, as_of",
        (2, 39, 4, "1d", day("09"), 10.0, 10.0, 10.0, 10.0, day("11T00:20")),
        (2, 40, 4, "1d", day("10"), 10.0, 10.0, 10.0, 10.0, day("11T00:20")),
        (7, 39, 4, "1d", day("09"), 10.0, 10.5, 10.0, 10.5, day("12T00:20")),
        (7, 73, 4, "1d", day("11"), 10.0, 10.0, 10.0, 10.0, day("12T00:20")),
        where="token_id = 4 and bar_start >= '2026-01-09'",
    )


def test_delivered_signals(second_night: Scene) -> None:
    second_night.expect(
        "staging.delivered_signals",
        "snapshot_id, row_number, vendor, token_id, timeframe, signal_at, direction, known_at, as_of",
        (3, 1, "v", 1, "1d", day("07"), 0, None, day("11T00:20")),
        (3, 2, "v", 1, "1d", day("08"), 1, None, day("11T00:20")),
        (3, 3, "v", 1, "1d", day("09"), 1, None, day("11T00:20")),
        (3, 4, "v", 1, "1d", day("10"), -1, None, day("11T00:20")),
        (3, 20, "w", 1, "1d", day("06"), 0, day("07T00:10"), day("11T00:20")),
        (3, 21, "w", 1, "1d", day("08"), -1, day("08T18:00"), day("11T00:20")),
        (3, 24, "v", 1, "1h", day("08"), -1, None, day("11T00:20")),
        (3, 26, "v", 1, "1h", day("08T01:00"), 1, None, day("11T00:20")),
        (3, 28, "v", 1, "1h", day("08T02:00"), -1, None, day("11T00:20")),
        (3, 30, "w", 1, "1h", day("08"), 1, day("08T00:30"), day("11T00:20")),
        (3, 31, "w", 1, "1h", day("08T01:00"), -1, day("08T01:30"), day("11T00:20")),
        (8, 34, "v", 1, "1d", day("11"), -1, None, day("12T00:20")),
        (8, 36, "v", 1, "1h", day("08T03:00"), -1, None, day("12T00:20")),
        where="token_id = 1",
    )


def test_delivered_levels(second_night: Scene) -> None:
    second_night.expect(
        "staging.delivered_levels",
        "snapshot_id, row_number, vendor, token_id, timeframe, level_at, price, side, strength, as_of",
        (4, 1, "v", 1, "1d", day("08"), 90.0, "support", 2.5, day("11T00:20")),
        (4, 2, "v", 1, "1d", day("09"), 130.0, "resistance", 1.5, day("11T00:20")),
        (4, 3, "v", 1, "1h", day("08"), 90.0, "resistance", 7.0, day("11T00:20")),
        (4, 4, "w", 1, "1d", day("08"), 90.0, "resistance", 4.0, day("11T00:20")),
        (9, 1, "v", 1, "1d", day("08"), 90.0, "support", 3.5, day("12T00:20")),
    )


def test_delivered_grades(second_night: Scene) -> None:
    second_night.expect(
        "staging.delivered_grades",
        "snapshot_id, row_number, vendor, kind, graded_at, grade, label, as_of",
        (5, 1, "v", "tm", day("08"), 70.5, "good", day("11T00:20")),
        (5, 2, "v", "tm", day("09"), 80.0, "buy", day("11T00:20")),
        (5, 3, "v", "trader", day("08"), 30.0, None, day("11T00:20")),
        (5, 4, "w", "tm", day("08"), 20.0, "bad", day("11T00:20")),
        (10, 1, "v", "tm", day("08"), 65.0, "good", day("12T00:20")),
        (10, 5, "v", "tm", day("10"), 90.0, "buy", day("12T00:20")),
    )


def test_delivered_quantmetrics(second_night: Scene) -> None:
    second_night.expect(
        "staging.delivered_quantmetrics",
        "snapshot_id, row_number, vendor, measured_at, lookback, sharpe, sortino, as_of",
        (6, 1, "v", day("08"), "30", 1.5, 3.0, day("11T00:20")),
        (6, 2, "v", day("09"), "30", 1.75, 3.5, day("11T00:20")),
        (6, 3, "v", day("08"), None, -0.5, -1.0, day("11T00:20")),
        (6, 4, "w", day("08"), "30", 9.0, 18.0, day("11T00:20")),
        (11, 1, "v", day("08"), "30", 1.25, 3.0, day("12T00:20")),
    )
