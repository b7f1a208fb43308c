"""Contract, sections 1 and 4: a stance outlasts the vendor's newest row by 2 bars, coverage by 3."""

import pytest

from tests.warehouse.scene import Scene, day, flat


def test_stance_ends_with_a_silent_vendor(scene: Scene) -> None:
    """The newest row is the 10th's and long: on that side from the 11th until, at most, the 12th. Covered to the 13th.

    On the 11th the price goes from 100 to 110. In costs 10 bps, and so does out.
    """
    scene.bars(1, "2026-01-01", *[flat(100)] * 10, (100, 110, 100, 110), *[flat(110)] * 4)
    scene.signals(1, "2026-01-09", 0, 1)
    scene.run("2026-01-16T00:20")
    curve = (
        "select bar_start, n_long, turnover, bar_return from marts.sector_equity "
        "where timeframe = '1d' and sector = 'all' and policy = "
    )
    signal = scene.rows(f"{curve} 'signal' order by bar_start")
    # The curve begins with coverage, on the 9th, and ends with the newest bar.
    assert [row[:3] for row in signal] == [
        (day("09"), 0, 0),
        (day("10"), 0, 0),
        (day("11"), 1, 1),
        (day("12"), 0, 1),
        (day("13"), 0, 0),
        (day("14"), 0, 0),
        (day("15"), 0, 0),
    ]
    assert [row[3] for row in signal] == pytest.approx([0, 0, 0.1 - 0.001, -0.001, 0, 0, 0])
    equal_weight = scene.rows(f"{curve} 'equal_weight' order by bar_start")
    assert [row[1] for row in equal_weight] == [1, 1, 1, 1, 1, 0, 0]
