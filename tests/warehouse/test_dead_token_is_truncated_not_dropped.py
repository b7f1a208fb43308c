"""Contract, section 5: a token that died is sold at its last close, and counted."""

import pytest

from tests.warehouse.scene import Scene, day, flat


def test_dead_token_is_truncated_not_dropped(scene: Scene) -> None:
    """Tokens 1 (long) and 2 (short) are entered on the 8th at 100 and last trade on the 9th; token 3 trades on.

    A hold of 3 bars was to end with the 10th: truncated at 80, the 9th's close. Path 100, 90, 80; low 70, high 100.
    """
    for token_id, direction in ((1, 1), (2, -1)):
        scene.seasoned(token_id, "2026-01-08", (100, 100, 90, 90), (90, 90, 70, 80))
        scene.signals(token_id, "2026-01-06", 0, direction)
    scene.bars(3, "2026-01-01", *[flat(5)] * 15)
    scene.run("2026-01-16T00:20")
    found = scene.rows(
        """
        select direction, horizon, status, exit_at, exit_price, gross_return, net_return, hit, mae, mfe, max_drawdown
        from marts.signal_outcome
        where timeframe = '1d' and entry_rule = 'next_open' and horizon >= 2
        order by direction desc, horizon
        """
    )
    assert [row[:5] for row in found] == [
        (1, 2, "matured", day("10"), 80),
        (1, 3, "truncated", day("10"), 80),
        (-1, 2, "matured", day("10"), 80),
        (-1, 3, "truncated", day("10"), 80),
    ]
    assert found[1][5:] == pytest.approx((-0.2, -0.202, False, -0.3, 0, -0.2))
    assert found[3][5:] == pytest.approx((0.2, 0.198, True, 0, 0.3, 0))

    # Of two scored calls one hit, and the floor takes it for a miss, because it was cut short.
    assert scene.rows(
        """
        select n_calls, n_truncated, hit_rate, hit_rate_floor
        from marts.signal_scorecard
        where timeframe = '1d' and sector = 'all' and direction = 'both' and provenance = 'all'
            and entry_rule = 'next_open'
        order by horizon
        """
    ) == [(2, 0, 0.5, 0.5), (2, 0, 0.5, 0.5), (2, 2, 0.5, 0)]


def test_three_days_of_silence_are_no_death(scene: Scene) -> None:
    """Last bars on the 9th and the 8th, newest bar on the 12th: the first may still trade."""
    scene.seasoned(1, "2026-01-08", flat(100), flat(100))
    scene.seasoned(2, "2026-01-08", flat(100))
    scene.bars(3, "2026-01-01", *[flat(5)] * 12)
    scene.run("2026-01-13T00:20")
    assert scene.rows(
        "select token_id, status from core.forward_window "
        "where timeframe = '1d' and entry_at = '2026-01-08' and horizon = 3 and token_id < 3 order by token_id"
    ) == [(1, "open"), (2, "truncated")]
