"""Contract, section 6: a hit is a net return above 0, and a move of exactly the costs is none."""

import pytest

from tests.warehouse.scene import Scene

# Direction, entry, exit, net return, whether it is a hit. 20 bps of 100 are 0.2. In binary, 100.2 / 100 - 1 - 0.002 is
# 2e-18, and 0.0501 / 0.05 - 1 - 0.002 is -2e-17.
CASES = (
    (1, 100, 100.2, 0, False),
    (1, 100, 100.21, 0.0001, True),
    (1, 100, 100.19, -0.0001, False),
    (1, 0.05, 0.0501, 0, False),
    (1, 1.5, 1.503, 0, False),
    (1, 0.7, 0.7014, 0, False),
    (-1, 100, 99.8, 0, False),
    (-1, 100, 99.79, 0.0001, True),
    (-1, 0.3, 0.2994, 0, False),
    # A short that lost its stake is gone: -1, not -1.502.
    (-1, 100, 250, -1, False),
    (1, 100, 250, 1.498, True),
)


def test_tie_is_no_hit(scene: Scene) -> None:
    for token_id, (direction, entry, exit_price, _, _) in enumerate(CASES):
        high, low = max(entry, exit_price), min(entry, exit_price)
        scene.seasoned(token_id, "2026-01-08", (entry, entry, entry, entry), (entry, high, low, exit_price))
        scene.signals(token_id, "2026-01-07", -direction, direction)
    scene.run("2026-01-10T00:20")
    found = scene.rows(
        "select net_return, hit from marts.signal_outcome "
        "where timeframe = '1d' and horizon = 1 and entry_rule = 'next_open' "
        "order by token_id"
    )
    for (net_return, hit), (*_, net, is_hit) in zip(found, CASES, strict=True):
        assert hit is is_hit
        assert net_return == pytest.approx(net, abs=1e-12)
        # No rounding is left of a tie.
        assert (net_return > 0) is is_hit
        assert (net_return == 0) is (net == 0)


def test_ties_are_neither_gains_nor_losses(scene: Scene) -> None:
    """Two ties, a gain of 80 bps and a loss of 120: their mean gain is 0.008, not a third of it."""
    for token_id, exit_price in ((1, 100.2), (2, 100.2), (3, 101), (4, 99)):
        scene.seasoned(token_id, "2026-01-08", (100, 100, 100, 100), (100, 101, 99, exit_price))
        scene.signals(token_id, "2026-01-07", 0, 1)
    scene.run("2026-01-10T00:20")
    [(n_calls, hit_rate, profit_factor, payoff_ratio)] = scene.rows(
        """
        select n_calls, hit_rate, profit_factor, payoff_ratio
        from marts.signal_scorecard
        where timeframe = '1d' and horizon = 1 and sector = 'all' and direction = 'both' and provenance = 'all'
            and entry_rule = 'next_open'
        """
    )
    assert (n_calls, hit_rate) == (4, 0.25)
    assert profit_factor == pytest.approx(0.008 / 0.012)
    assert payoff_ratio == pytest.approx(0.008 / 0.012)
