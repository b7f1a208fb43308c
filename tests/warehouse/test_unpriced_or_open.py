"""Contract, section 6: without an entry bar a call is open while one can still come, else unpriced."""

from tests.warehouse.scene import Scene, day, flat


def test_unpriced_or_open(scene: Scene) -> None:
    """The newest bar is the 9th's. Token 1 trades to the 9th, 2 stopped on the 5th (dead), 3 never traded, 4 stopped on
    the 6th (3 days are no death), 5 had a halt of four days, in which its call would have entered."""
    scene.bars(1, "2026-01-01", *[flat(10)] * 9)
    scene.bars(2, "2026-01-01", *[flat(10)] * 5)
    scene.token(3)
    scene.bars(4, "2026-01-01", *[flat(10)] * 6)
    scene.bars(5, "2026-01-01", flat(10), flat(10), None, None, None, None, flat(10), flat(10), flat(10))
    for token_id, first in ((1, "08"), (2, "08"), (3, "08"), (4, "06"), (5, "02")):
        scene.signals(token_id, f"2026-01-{first}", 0, 1)
    scene.run("2026-01-10T00:20")
    assert scene.rows(
        "select token_id, entry_at, entry_price, exit_at, exit_price, status, hit, n_base from marts.signal_outcome "
        "where timeframe = '1d' and horizon = 2 and entry_rule = 'next_open' order by token_id"
    ) == [
        (1, day("10"), None, day("12"), None, "open", None, None),
        (2, day("10"), None, None, None, "unpriced", None, None),
        (3, day("10"), None, None, None, "unpriced", None, None),
        (4, day("08"), None, day("10"), None, "open", None, None),
        (5, day("04"), None, None, None, "unpriced", None, None),
    ]
    # No signals scored: no rate, not a rate of 0.
    assert scene.rows(
        "select n_calls, n_open, n_unpriced, n_excluded, hit_rate, hit_rate_floor, is_reportable "
        "from marts.signal_scorecard where timeframe = '1d' and horizon = 2 and sector = 'all' and direction = 'both' "
        "and provenance = 'all' and entry_rule = 'next_open'"
    ) == [(0, 2, 3, 0, None, None, False)]
