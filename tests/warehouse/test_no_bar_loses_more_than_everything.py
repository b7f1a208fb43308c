"""Contract, section 7: a curve's bar return is at least -1, costs included, and a short's too."""

from tests.warehouse.scene import Scene, day, flat


def test_no_bar_loses_more_than_everything(scene: Scene) -> None:
    """Sold short at the open of the 9th at 10, which closes at 30: the stake is gone, and the cost of 10 bps with it.

    In the hour the same stake is long, and the price falls from 90 to 30: -2/3, and the cost.
    """
    scene.seasoned(1, "2026-01-08", flat(10), (10, 30, 10, 30), flat(30))
    scene.signals(1, "2026-01-07", 0, -1, -1)
    scene.run("2026-01-11T00:20")
    scene.expect(
        "marts.sector_equity",
        "policy, bar_start, bar_return, equity, drawdown, n_long, n_short, turnover",
        ("hold", day("08"), 0.0, 1.0, 0.0, 1, 0, 1.0),
        ("hold", day("09"), 2.0, 3.0, 0.0, 1, 0, 0.0),
        ("hold", day("10"), 0.0, 3.0, 0.0, 1, 0, 0.0),
        ("signal", day("08"), 0.0, 1.0, 0.0, 0, 0, 0.0),
        ("signal", day("09"), -1.0, 0.0, -1.0, 0, 1, 1.0),
        ("signal", day("10"), 0.0, 0.0, -1.0, 0, 1, 0.0),
        where="timeframe = '1d' and sector = 'Meme' and policy <> 'equal_weight'",
    )
    scene.expect(
        "work.curve_sum",
        "policy, bar_start, bar_return, n_ruins",
        ("equal_weight", day("09"), 2.0, 0),
        ("hold", day("09"), 2.0, 0),
        ("signal", day("09"), -1.0, 1),
        where="timeframe = '1d' and sector = 'all' and bar_start = '2026-01-09'",
    )
