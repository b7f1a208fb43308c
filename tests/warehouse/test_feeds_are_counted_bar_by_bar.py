"""What each feed brought of each bar, of how many tokens that was usual, and how many of these were there."""

from flows.warehouse.days import write_days
from tests.warehouse.scene import Scene, day, flat

COUNTS = "timeframe, bar_start, nth_bar, n_rows, n_tokens, n_in_time, n_usual, n_kept"


def test_usual_is_who_spoke_on_seven_bars_in_a_row(scene: Scene) -> None:
    """Token 1 has every day from the 1st, 2 from the 2nd, 3 misses the 5th; token 1 alone has hours.

    On the 8th, the eighth bar, 1 and 2 have spoken on seven in a row, and 1 on eight; 3 on the three since the 5th.
    """
    scene.is_daily_only = True
    scene.bars(1, "2026-01-01", *[flat(10)] * 8)
    scene.bars(2, "2026-01-02", *[flat(10)] * 7)
    scene.bars(3, "2026-01-01", *[flat(10)] * 4, None, *[flat(10)] * 3)
    scene.bars(1, "2026-01-08T20:00", *[flat(11)] * 4, timeframe="1h")
    scene.signals(1, "2026-01-08", 1)
    run = scene.run("2026-01-09T00:20")
    assert run.is_full
    in_full = (
        ("1d", day("01"), 1, 2, 2, 0, 2, 2),
        ("1d", day("02"), 2, 3, 3, 0, 2, 2),
        ("1d", day("03"), 3, 3, 3, 0, 2, 2),
        ("1d", day("04"), 4, 3, 3, 0, 2, 2),
        ("1d", day("05"), 5, 2, 2, 0, 1, 1),
        ("1d", day("06"), 6, 3, 3, 0, 1, 1),
        ("1d", day("07"), 7, 3, 3, 0, 1, 1),
        # Fetched at 00:20 on the 9th, within a day of the end of the 8th.
        ("1d", day("08"), 8, 3, 3, 3, 2, 1),
    )
    hours = (
        ("1h", day("08T20:00"), 1, 1, 1, 0, 1, 1),
        ("1h", day("08T21:00"), 2, 1, 1, 0, 1, 1),
        ("1h", day("08T22:00"), 3, 1, 1, 0, 1, 1),
        ("1h", day("08T23:00"), 4, 1, 1, 1, 1, 1),
    )
    scene.expect("work.feed_bar", COUNTS, *in_full, *hours, where="dataset = 'prices'")
    # A night counts the new bar alone, by the eight before it.
    for token_id in (1, 2, 3):
        scene.bars(token_id, "2026-01-09", flat(10))
    assert not scene.run("2026-01-10T00:20").is_full
    night = ("1d", day("09"), 9, 3, 3, 3, 2, 2)
    scene.expect("work.feed_bar", COUNTS, *in_full, night, *hours, where="dataset = 'prices'")
    write_days(scene.connection, scene.settings, day("10T00:20"))
    scene.expect(
        "ops.feed_bar",
        "dataset, vendor, timeframe, bar_start, nth_bar, n_rows, n_tokens, n_in_time, n_usual, n_kept, first_known_at, "
        "snapshot_id",
        ("prices", None, "1d", day("08"), 8, 3, 3, 3, 2, 1, day("09T00:20"), 2),
        ("prices", None, "1d", day("09"), 9, 3, 3, 3, 2, 2, day("10T00:20"), 4),
        ("signals", "v", "1d", day("08"), 1, 1, 1, 1, 1, 1, day("09T00:20"), 3),
        where="timeframe = '1d' and bar_start >= '2026-01-08'",
    )
