"""Contract, section 3: more than 3 days of missing bars, or a jump of more than 5 times, ends a segment."""

from tests.warehouse.scene import Scene, day, flat


def _segments(scene: Scene) -> list[tuple[object, ...]]:
    return scene.rows(
        "select segment, started_at, ended_at, n_bars, n_filled, has_ended from core.segment "
        "where timeframe = '1d' order by segment"
    )


def test_three_missing_days_are_filled(scene: Scene) -> None:
    scene.bars(1, "2026-01-01", flat(10), None, None, None, flat(10))
    scene.run("2026-01-06T00:20")
    assert _segments(scene) == [(1, day("01"), day("06"), 5, 3, False)]


def test_a_fourth_is_a_halt(scene: Scene) -> None:
    scene.bars(1, "2026-01-01", flat(10), None, None, None, None, flat(10))
    scene.run("2026-01-07T00:20")
    assert _segments(scene) == [(1, day("01"), day("02"), 1, 0, True), (2, day("06"), day("07"), 1, 0, False)]


def test_a_jump_of_more_than_five_times_is_none_of_ours(scene: Scene) -> None:
    """From a close of 10: 50 and 2 are returns, 50.01 and 1.99 are another coin."""
    for token_id, opened in enumerate((50, 50.01, 2, 1.99)):
        scene.bars(token_id, "2026-01-01", flat(10), flat(opened))
    scene.run("2026-01-03T00:20")
    n_segments = "select token_id, count(*) from core.segment where timeframe = '1d' group by all order by all"
    assert scene.rows(n_segments) == [(0, 1), (1, 2), (2, 1), (3, 2)]


def test_a_window_ends_with_its_segment(scene: Scene) -> None:
    """The 20,000-fold price after the halt is in nobody's return; a position is sold at the last close before it."""
    scene.seasoned(1, "2026-01-08", (10, 10, 10, 10), (10, 12, 9, 11), (220_000, 220_000, 220_000, 220_000))
    scene.run("2026-01-11T00:20")
    assert scene.rows(
        "select horizon, exit_at, exit_price, highest, lowest, status from core.forward_window "
        "where timeframe = '1d' and entry_at = '2026-01-09' order by horizon"
    ) == [
        (1, day("10"), 11, 12, 9, "matured"),
        # Scheduled for the end of the 10th, which has passed: cut short at the end of the 9th.
        (2, day("10"), 11, 12, 9, "truncated"),
        # Scheduled for the end of the 11th, which has not come.
        (3, day("12"), None, None, None, "open"),
    ]


def test_only_the_first_segment_has_a_season(scene: Scene) -> None:
    scene.seasoned(1, "2026-01-08", flat(10), flat(100))
    scene.run("2026-01-10T00:20")
    assert scene.rows(
        "select entry_at, status from core.forward_window "
        "where timeframe = '1d' and horizon = 1 order by entry_at desc limit 3"
    ) == [(day("09"), "matured"), (day("08"), "matured"), (day("07"), "excluded")]
