"""The largest id and the wildest wick go the way of all others."""

import pytest

from tests.warehouse.scene import Scene, flat

LARGEST_ID = 2**63 - 1


def test_the_largest_token_id_has_windows(scene: Scene) -> None:
    scene.seasoned(LARGEST_ID, "2026-01-08", *[flat(10)] * 3)
    scene.seasoned(-(2**63), "2026-01-08", *[flat(10)] * 3)
    scene.signals(LARGEST_ID, "2026-01-07", 0, 1)
    scene.run("2026-01-11T00:20")
    assert scene.rows("select token_id, count(*) from core.forward_window_1d group by all order by all") == [
        (-(2**63), 10),
        (LARGEST_ID, 10),
    ]
    assert scene.rows("select distinct status from marts.signal_outcome where timeframe = '1d' and horizon = 1") == [
        ("matured",)
    ]


def test_one_absurd_wick_does_not_end_the_night(scene: Scene) -> None:
    """No rule forbids a high: its call is published as it is, and everybody else's is scored."""
    scene.seasoned(1, "2026-01-08", flat(10), (10, 1e30, 10, 10))
    scene.seasoned(2, "2026-01-08", flat(10), (10, 11, 10, 10))
    for token_id in (1, 2):
        scene.signals(token_id, "2026-01-07", 0, 1)
    scene.run("2026-01-10T00:20")
    best = scene.rows(
        "select token_id, mfe from marts.signal_outcome "
        "where timeframe = '1d' and horizon = 1 and entry_rule = 'next_open' order by all"
    )
    assert dict(best) == pytest.approx({1: 1e29, 2: 0.1})
