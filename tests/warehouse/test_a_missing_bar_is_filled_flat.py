"""Contract, section 3: inside a segment a missing bar is filled with the close before it."""

from tests.warehouse.scene import Scene, day


def test_a_missing_bar_is_filled_flat(scene: Scene) -> None:
    scene.bars(1, "2026-01-01", (10, 12, 9, 11), None, None, (20, 22, 19, 21))
    scene.run("2026-01-05T00:20")
    assert scene.rows(
        "select bar_start, open, high, low, close, is_filled, segment from work.spine_bar "
        "where timeframe = '1d' order by bar_start"
    ) == [
        (day("01"), 10, 12, 9, 11, False, 1),
        (day("02"), 11, 11, 11, 11, True, 1),
        (day("03"), 11, 11, 11, 11, True, 1),
        (day("04"), 20, 22, 19, 21, False, 1),
    ]


def test_windows_count_filled_bars(scene: Scene) -> None:
    """The window of 3 from the 8th holds the 8th, the filled 9th and the 10th: one of three is more than a tenth."""
    scene.seasoned(1, "2026-01-08", (10, 10, 10, 11), None, (12, 12, 12, 12))
    scene.run("2026-01-11T00:20")
    assert scene.rows(
        "select entry_at, horizon, exit_price, status from core.forward_window "
        "where timeframe = '1d' and entry_at >= '2026-01-08' "
        "order by entry_at, horizon"
    ) == [
        (day("08"), 1, 11, "matured"),
        (day("08"), 2, 11, "excluded"),
        (day("08"), 3, 12, "excluded"),
        # Nobody can enter on a bar that was not there.
        (day("09"), 1, 11, "excluded"),
        (day("09"), 2, 12, "excluded"),
        (day("09"), 3, None, "excluded"),
        (day("10"), 1, 12, "matured"),
        (day("10"), 2, None, "open"),
        (day("10"), 3, None, "open"),
    ]
