"""Contract, sections 5 and 6: what a window and a call on it hold of the path between entry and exit."""

import pytest

from tests.warehouse.scene import Scene


def test_drawdown_follows_closes_excursions_highs_and_lows(scene: Scene) -> None:
    """Path 100 (entry), 120, 90, 99; highs to 150, lows to 60."""
    bars = (100, 130, 60, 120), (120, 125, 85, 90), (90, 150, 80, 99)
    for token_id, direction in ((1, 1), (2, -1)):
        scene.seasoned(token_id, "2026-01-08", *bars)
        scene.signals(token_id, "2026-01-06", 0, direction)
    scene.run("2026-01-11T00:20")
    [window] = scene.rows(
        "select forward_return, highest, lowest, drawdown_long, drawdown_short from core.forward_window "
        "where timeframe = '1d' and token_id = 1 and entry_at = '2026-01-08' and horizon = 3"
    )
    # Long: from 120 down to 90. Short, of fixed size: from 100 up to 120, a fifth of the entry; 90 to 99 is less.
    assert window == pytest.approx((-0.01, 150, 60, 90 / 120 - 1, -0.2))
    long, short = scene.rows(
        "select gross_return, net_return, mae, mfe, max_drawdown, is_wiped_out from marts.signal_outcome "
        "where timeframe = '1d' and horizon = 3 and entry_rule = 'next_open' order by direction desc"
    )
    assert long == pytest.approx((-0.01, -0.012, -0.4, 0.5, -0.25, False))
    assert short == pytest.approx((0.01, 0.008, -0.5, 0.4, -0.2, False))


def test_a_doubled_price_wipes_a_short_out(scene: Scene) -> None:
    """Highs of 200 and 199.99 from an entry at 100."""
    for token_id, high in ((1, 200), (2, 199.99)):
        scene.seasoned(token_id, "2026-01-08", (100, high, 100, 100))
        scene.signals(token_id, "2026-01-06", 0, -1)
    scene.run("2026-01-09T00:20")
    assert scene.rows(
        "select token_id, is_wiped_out from marts.signal_outcome "
        "where timeframe = '1d' and horizon = 1 and entry_rule = 'next_open' "
        "order by all"
    ) == [(1, True), (2, False)]
