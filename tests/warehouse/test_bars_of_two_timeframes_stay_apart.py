"""Segments, the spine and the windows over it: the days and the hours of the small market."""

from datetime import timedelta

from tests.warehouse.scene import Scene, day


def test_what_each_segment_spans(second_night: Scene) -> None:
    second_night.expect(
        "work.segment_span",
        "timeframe, token_id, segment, started_at, last_bar_at, n_filled, first_open, last_close",
        ("1d", 1, 1, day("01"), day("11"), 0, 100.0, 106.48),
        ("1d", 2, 1, day("01"), day("11"), 0, 50.0, 66.0),
        ("1d", 3, 1, day("01"), day("11"), 0, 20.0, 20.9),
        ("1d", 4, 1, day("01"), day("11"), 0, 10.0, 10.0),
        ("1d", 5, 1, day("01"), day("11"), 1, 40.0, 33.0),
        ("1d", 6, 1, day("01"), day("11"), 0, 1.0, 1.0),
        ("1h", 1, 1, day("01"), day("01"), 0, 300.0, 300.0),
        ("1h", 1, 2, day("08"), day("08T04:00"), 0, 330.0, 396.0),
        ("1h", 2, 1, day("01"), day("01"), 0, 150.0, 150.0),
        ("1h", 2, 2, day("08"), day("08T04:00"), 0, 150.0, 120.0),
    )


def test_why_each_segment_began(second_night: Scene) -> None:
    """Between the hours' segments lie 6 days and 23 hours; 330 / 300 and 150 / 150."""
    second_night.expect(
        "core.segment",
        "timeframe, token_id, segment, started_at, ended_at, n_bars, n_filled, has_ended, gap_before, jump_ratio",
        ("1d", 1, 1, day("01"), day("12"), 11, 0, False, None, None),
        ("1d", 2, 1, day("01"), day("12"), 11, 0, False, None, None),
        ("1d", 3, 1, day("01"), day("12"), 11, 0, False, None, None),
        ("1d", 4, 1, day("01"), day("12"), 11, 0, False, None, None),
        ("1d", 5, 1, day("01"), day("12"), 11, 1, False, None, None),
        ("1d", 6, 1, day("01"), day("12"), 11, 0, False, None, None),
        ("1h", 1, 1, day("01"), day("01T01:00"), 1, 0, True, None, None),
        ("1h", 1, 2, day("08"), day("08T05:00"), 5, 0, False, timedelta(days=6, hours=23), 1.1),
        ("1h", 2, 1, day("01"), day("01T01:00"), 1, 0, True, None, None),
        ("1h", 2, 2, day("08"), day("08T05:00"), 5, 0, False, timedelta(days=6, hours=23), 1.0),
    )


def test_the_newest_segment_and_bar(second_night: Scene) -> None:
    second_night.expect(
        "work.last_segment",
        "timeframe, token_id, ended_at, has_ended",
        ("1d", 1, day("12"), False),
        ("1d", 2, day("12"), False),
        ("1d", 3, day("12"), False),
        ("1d", 4, day("12"), False),
        ("1d", 5, day("12"), False),
        ("1d", 6, day("12"), False),
        ("1h", 1, day("08T05:00"), False),
        ("1h", 2, day("08T05:00"), False),
    )
    second_night.expect(
        "work.newest_bar",
        "timeframe, newest_bar_at, newest_bar_end",
        ("1d", day("11"), day("12")),
        ("1h", day("08T04:00"), day("08T05:00")),
    )


def test_the_spine_goes_on_after_a_filled_bar(second_night: Scene) -> None:
    second_night.expect(
        "work.spine_bar",
        "timeframe, bar_start, open, high, low, close, is_filled, segment, segment_start, n_filled",
        ("1d", day("07"), 40.0, 40.0, 40.0, 40.0, False, 1, day("01"), 0),
        ("1d", day("08"), 40.0, 40.0, 20.0, 20.0, False, 1, day("01"), 0),
        ("1d", day("09"), 20.0, 20.0, 20.0, 20.0, True, 1, day("01"), 1),
        ("1d", day("10"), 20.0, 30.0, 20.0, 30.0, False, 1, day("01"), 1),
        ("1d", day("11"), 30.0, 33.0, 30.0, 33.0, False, 1, day("01"), 1),
        ("1h", day("01"), 300.0, 300.0, 300.0, 300.0, False, 1, day("01"), 0),
        ("1h", day("08"), 330.0, 330.0, 330.0, 330.0, False, 2, day("08"), 0),
        ("1h", day("08T01:00"), 330.0, 330.0, 297.0, 297.0, False, 2, day("08"), 0),
        ("1h", day("08T02:00"), 297.0, 363.0, 297.0, 363.0, False, 2, day("08"), 0),
        ("1h", day("08T03:00"), 363.0, 363.0, 330.0, 330.0, False, 2, day("08"), 0),
        ("1h", day("08T04:00"), 330.0, 396.0, 330.0, 396.0, False, 2, day("08"), 0),
        where="token_id = 5 and bar_start >= '2026-01-07' or token_id = 1 and timeframe = '1h'",
    )


def test_windows_of_days(second_night: Scene) -> None:
    """Flags, four bits a horizon: 1 scored, 2 a long hits, 4 a short does, 8 left out: 1331 is 3 + 16 x 3 + 256 x 5."""
    second_night.expect(
        "core.forward_window_1d",
        "token_id, entry_at, entry_price, segment_end, has_closed, flags, exit_price_1, highest_1, lowest_1, "
        "drawdown_long_1, drawdown_short_1",
        (1, day("07"), 100.0, day("10"), True, 2184, 100.0, 100.0, 100.0, 0.0, 0.0),
        (1, day("08"), 100.0, day("11"), True, 1331, 110.0, 110.0, 100.0, 0.0, -0.1),
        (1, day("09"), 110.0, day("12"), True, 1363, 121.0, 132.0, 99.0, 0.0, -0.1),
        (1, day("10"), 121.0, day("13"), False, 85, 96.8, 121.0, 88.0, -0.2, 0.0),
        (1, day("11"), 96.8, day("14"), False, 3, 106.48, 106.48, 96.8, 0.0, -0.1),
        where="token_id = 1 and entry_at >= '2026-01-07'",
    )
    second_night.expect(
        "core.forward_window_1d",
        "entry_at, exit_price_2, highest_2, lowest_2, drawdown_long_2, drawdown_short_2, exit_price_3, "
        "highest_3, lowest_3, drawdown_long_3, drawdown_short_3",
        (day("08"), 121.0, 132.0, 99.0, 0.0, -0.21, 96.8, 132.0, 88.0, -0.2, -0.21),
        (day("09"), 96.8, 132.0, 88.0, -0.2, -0.1, 106.48, 132.0, 88.0, -0.2, -0.1),
        (day("10"), 106.48, 121.0, 88.0, -0.2, -0.08, None, None, None, None, None),
        (day("11"), None, None, None, None, None, None, None, None, None, None),
        where="token_id = 1 and entry_at >= '2026-01-08'",
    )


def test_windows_in_the_long_form(second_night: Scene) -> None:
    second_night.expect(
        "core.forward_window",
        "token_id, timeframe, entry_at, horizon, entry_price, exit_at, exit_price, forward_return, "
        "highest, lowest, drawdown_long, drawdown_short, status",
        (1, "1d", day("10"), 1, 121.0, day("11"), 96.8, -0.2, 121.0, 88.0, -0.2, 0.0, "matured"),
        (1, "1d", day("10"), 2, 121.0, day("12"), 106.48, -0.12, 121.0, 88.0, -0.2, -0.08, "matured"),
        (1, "1d", day("10"), 3, 121.0, day("13"), None, None, None, None, None, None, "open"),
        (1, "1d", day("11"), 1, 96.8, day("12"), 106.48, 0.1, 106.48, 96.8, 0.0, -0.1, "matured"),
        (1, "1d", day("11"), 2, 96.8, day("13"), None, None, None, None, None, None, "open"),
        (1, "1d", day("11"), 3, 96.8, day("14"), None, None, None, None, None, None, "open"),
        (5, "1d", day("08"), 1, 40.0, day("09"), 20.0, -0.5, 40.0, 20.0, -0.5, 0.0, "matured"),
        (5, "1d", day("08"), 2, 40.0, day("10"), 20.0, -0.5, 40.0, 20.0, -0.5, 0.0, "excluded"),
        (5, "1d", day("08"), 3, 40.0, day("11"), 30.0, -0.25, 40.0, 20.0, -0.5, -0.25, "excluded"),
        (5, "1d", day("09"), 1, 20.0, day("10"), 20.0, 0.0, 20.0, 20.0, 0.0, 0.0, "excluded"),
        (5, "1d", day("09"), 2, 20.0, day("11"), 30.0, 0.5, 30.0, 20.0, 0.0, -0.5, "excluded"),
        (5, "1d", day("09"), 3, 20.0, day("12"), 33.0, 0.65, 33.0, 20.0, 0.0, -0.65, "excluded"),
        where=(
            "token_id = 1 and entry_at >= '2026-01-10' or token_id = 5 and entry_at in ('2026-01-08', '2026-01-09')"
        ),
    )


def test_windows_of_hours(second_night: Scene) -> None:
    second_night.expect(
        "work.forward_window_1h",
        "token_id, entry_at, entry_price, segment_end, has_closed, flags, exit_price_1, highest_1, "
        "lowest_1, drawdown_long_1, drawdown_short_1, exit_price_2, highest_2, lowest_2, drawdown_long_2,"
        " drawdown_short_2",
        (1, day("01"), 300.0, day("01T01:00"), True, 136, 300.0, 300.0, 300.0, 0.0, 0.0, 300.0, 300.0, 300.0, 0.0, 0.0),
        (1, day("08"), 330.0, day("08T02:00"), True, 81, 330.0, 330.0, 330.0, 0.0, 0.0, 297.0, 330.0, 297.0, -0.1, 0.0),
        (
            1,
            day("08T01:00"),
            330.0,
            day("08T03:00"),
            True,
            53,
            297.0,
            330.0,
            297.0,
            -0.1,
            0.0,
            363.0,
            363.0,
            297.0,
            -0.1,
            -0.2,
        ),
        (
            1,
            day("08T02:00"),
            297.0,
            day("08T04:00"),
            True,
            51,
            363.0,
            363.0,
            297.0,
            0.0,
            -2 / 9,
            330.0,
            363.0,
            297.0,
            -1 / 11,
            -2 / 9,
        ),
        (
            1,
            day("08T03:00"),
            363.0,
            day("08T05:00"),
            True,
            53,
            330.0,
            363.0,
            330.0,
            -1 / 11,
            0.0,
            396.0,
            396.0,
            330.0,
            -1 / 11,
            -2 / 11,
        ),
        (
            1,
            day("08T04:00"),
            330.0,
            day("08T06:00"),
            False,
            3,
            396.0,
            396.0,
            330.0,
            0.0,
            -0.2,
            None,
            None,
            None,
            None,
            None,
        ),
        (2, day("01"), 150.0, day("01T01:00"), True, 136, 150.0, 150.0, 150.0, 0.0, 0.0, 150.0, 150.0, 150.0, 0.0, 0.0),
        (2, day("08"), 150.0, day("08T02:00"), True, 17, 150.0, 150.0, 150.0, 0.0, 0.0, 150.0, 150.0, 150.0, 0.0, 0.0),
        (
            2,
            day("08T01:00"),
            150.0,
            day("08T03:00"),
            True,
            81,
            150.0,
            150.0,
            150.0,
            0.0,
            0.0,
            120.0,
            150.0,
            120.0,
            -0.2,
            0.0,
        ),
        (
            2,
            day("08T02:00"),
            150.0,
            day("08T04:00"),
            True,
            85,
            120.0,
            150.0,
            120.0,
            -0.2,
            0.0,
            120.0,
            150.0,
            120.0,
            -0.2,
            0.0,
        ),
        (
            2,
            day("08T03:00"),
            120.0,
            day("08T05:00"),
            True,
            17,
            120.0,
            120.0,
            120.0,
            0.0,
            0.0,
            120.0,
            120.0,
            120.0,
            0.0,
            0.0,
        ),
        (
            2,
            day("08T04:00"),
            120.0,
            day("08T06:00"),
            False,
            1,
            120.0,
            120.0,
            120.0,
            0.0,
            0.0,
            None,
            None,
            None,
            None,
            None,
        ),
    )
