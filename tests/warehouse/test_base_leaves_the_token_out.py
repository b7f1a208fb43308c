"""Contract, section 6: the matched base is the other covered tokens of the sector at the same moment."""

import pytest

from tests.warehouse.scene import Scene, flat


def test_base_leaves_the_token_out(scene: Scene) -> None:
    """All enter on the 9th at 100. Tokens 1-4 are covered and of one sector; 5 is not covered, 6 is of another sector.

    Net returns after 20 bps, long and short: 1: 0.098, -0.102; 2: 0.008, -0.012; 3: -0.012, 0.008;
    4: -0.001, -0.003; 5: 0.998; 6: 1.998.
    """
    scene.token(6, categories="GameFi")
    for token_id, close in ((1, 110), (2, 101), (3, 99), (4, 100.1), (5, 200), (6, 300)):
        scene.seasoned(token_id, "2026-01-08", flat(100), (100, max(close, 100), min(close, 100), close))
    for token_id, direction in ((1, 1), (3, -1), (6, 1)):
        scene.signals(token_id, "2026-01-07", 0, direction)
    for token_id in (2, 4):
        scene.signals(token_id, "2026-01-07", 0, 0)
    scene.run("2026-01-10T00:20")
    found = scene.rows(
        "select token_id, n_base, base_hit, base_return from marts.signal_outcome "
        "where timeframe = '1d' and horizon = 1 and entry_rule = 'next_open' order by token_id"
    )
    assert [row[:2] for row in found] == [(1, 3), (3, 3), (6, 0)]
    # Long, of 2, 3 and 4: one hit; (0.008 - 0.012 - 0.001) / 3.
    assert found[0][2:] == pytest.approx((1 / 3, -0.005 / 3))
    # Short, of 1, 2 and 4: no hit; (-0.102 - 0.012 - 0.003) / 3.
    assert found[1][2:] == pytest.approx((0, -0.039))
    # Nobody else in the sector: no base.
    assert found[2][2:] == (None, None)


def test_two_others_are_no_base(scene: Scene) -> None:
    for token_id in (1, 2, 3):
        scene.seasoned(token_id, "2026-01-08", flat(100), flat(100))
        scene.signals(token_id, "2026-01-07", 0, 1)
    scene.run("2026-01-10T00:20")
    found = scene.rows("select distinct n_base, base_hit, base_return from marts.signal_outcome "
    "where timeframe = '1d' and horizon = 1 "
                       "and entry_rule = 'next_open'")  # fmt: skip
    assert found == [(2, None, None)]
