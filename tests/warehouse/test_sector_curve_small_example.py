"""Contract, section 7: the three curves of two tokens over three bars, and the dates of a fall."""

import pytest

from tests.warehouse.scene import Scene, day, flat

CURVE = (
    "select bar_start, bar_return, equity, drawdown, n_long, n_short, turnover from marts.sector_equity "
    "where timeframe = '1d' and sector = 'Meme' and policy = $policy order by bar_start"
)


def test_sector_curve_small_example(scene: Scene) -> None:
    """Token 1 is long on the 8th and 9th, short on the 10th; token 2 is long on the 9th and 10th. c/2 is 0.001."""
    scene.seasoned(1, "2026-01-08", (100, 110, 100, 110), (112, 121, 112, 121), (120, 120, 108, 108))
    scene.seasoned(2, "2026-01-08", flat(50), (50, 55, 50, 55), (55, 66, 55, 66))
    scene.signals(1, "2026-01-07", 1, 1, -1)
    scene.signals(2, "2026-01-07", 0, 1, 1)
    scene.run("2026-01-11T00:20")

    def check(policy: str, returns: list[float], counts: list[tuple[int, int, float]]) -> None:
        rows = scene.connection.execute(CURVE, {"policy": policy}).fetchall()
        assert [row[0] for row in rows] == [day("08"), day("09"), day("10")]
        assert [row[1] for row in rows] == pytest.approx(returns)
        equity = [1 + returns[0], (1 + returns[0]) * (1 + returns[1])]
        equity.append(equity[1] * (1 + returns[2]))
        assert [row[2] for row in rows] == pytest.approx(equity)
        assert [row[3] for row in rows] == pytest.approx([0, 0, 0])
        assert [row[4:] for row in rows] == counts

    signal = [
        # Bought at the open: 110/100 - 1, one change, one token.
        0.1 - 0.001,
        # Token 1 from close to close, 121/110 - 1; token 2 bought at the open, 55/50 - 1; one change, two tokens.
        (0.1 + 0.1 - 0.001) / 2,
        # Token 1 turned at the open, -(108/120 - 1), two changes; token 2 from close to close, 66/55 - 1.
        (0.1 + 0.2 - 0.002) / 2,
    ]
    check("signal", signal, [(1, 0, 1), (2, 0, 0.5), (1, 1, 1)])
    equal_weight = [(0.1 + 0) / 2, (0.1 + 0.1) / 2, ((108 / 121 - 1) + 0.2) / 2]
    check("equal_weight", equal_weight, [(2, 0, 1), (2, 0, 0), (2, 0, 0)])
    # 1 each at the open of the 8th: 1.10 + 1.00, then 1.21 + 1.10, then 1.08 + 1.32.
    check("hold", [2.10 / 2 - 1, 2.31 / 2.10 - 1, 2.40 / 2.31 - 1], [(2, 0, 1), (2, 0, 0), (2, 0, 0)])


def test_a_fall_has_a_peak_a_trough_and_a_recovery(scene: Scene) -> None:
    """Closes 110, 88, 99, 110, 121: down a fifth on the 9th, made good on the 11th, three bars after the peak."""
    closes = (110, 88, 99, 110, 121)
    opens = (100, *closes)
    scene.seasoned(1, "2026-01-08", *[(o, max(o, c), min(o, c), c) for o, c in zip(opens, closes, strict=False)])
    # 0 throughout: nothing is signalled; covered to the 12th.
    scene.signals(1, "2026-01-07", 0, 0, 0)
    scene.run("2026-01-13T00:20")
    falls = scene.rows(
        "select policy, max_drawdown, peak_at, trough_at, recovered_at, n_bars_under_water "
        "from marts.sector_drawdown where timeframe = '1d' and sector = 'all' order by policy"
    )
    assert [(row[0], *row[2:]) for row in falls] == [
        ("equal_weight", day("08"), day("09"), day("11"), 3),
        ("hold", day("08"), day("09"), day("11"), 3),
        # Never under water: the peak is where the curve starts.
        ("signal", day("08"), None, None, 0),
    ]
    assert [row[1] for row in falls] == pytest.approx([-0.2, -0.2, 0])


def test_a_curve_that_lost_everything_stays_at_nothing_night_after_night(scene: Scene) -> None:
    """A short from 10 to 30 loses its whole stake on the 9th; the token's later fall to 12 earns nothing on nothing."""
    opens, closes = (10, 10, 30, 12), (10, 30, 12, 12)
    for n_days in (1, 2, 3, 4):
        scene.bar_rows, scene.signal_rows = [], []
        bars = [(o, max(o, c), min(o, c), c) for o, c in zip(opens, closes, strict=True)]
        scene.seasoned(1, "2026-01-08", *bars[:n_days])
        scene.signals(1, "2026-01-07", *[0, -1, -1, -1, 1][: n_days + 1])
        scene.run(f"2026-01-{8 + n_days:02}T00:20")
    rows = scene.connection.execute(CURVE, {"policy": "signal"}).fetchall()
    assert [row[1] for row in rows] == pytest.approx([0, -1, 0.6, 0], abs=0.003)
    assert [row[2:4] for row in rows[1:]] == [(0, -1)] * 3
    # A holder of the token has 3 of 1, and then 1.2.
    equity = scene.connection.execute(CURVE, {"policy": "hold"}).fetchall()
    assert [row[2] for row in equity] == pytest.approx([1, 3, 1.2, 1.2])


def test_a_night_goes_on_from_where_the_curve_stood(scene: Scene) -> None:
    """Not from its first bar: what a night adds to a curve is what the night's bars brought."""
    scene.seasoned(1, "2026-01-08", *[(10, 11, 10, 11), (11, 12, 11, 12)])
    scene.signals(1, "2026-01-07", 1, 1)
    scene.run("2026-01-10T00:20")
    scene.bars(1, "2026-01-10", (12, 15, 12, 15))
    scene.signal(1, "2026-01-09", 1)
    report = scene.run("2026-01-11T00:20")
    assert (
        not report.is_full and report.n_rows["work.curve_sum"] < scene.rows("select count(*) from work.curve_sum")[0][0]
    )
    equity = [row[2] for row in scene.connection.execute(CURVE, {"policy": "equal_weight"}).fetchall()]
    assert equity == pytest.approx([1.1, 1.2, 1.5])


def test_a_return_to_the_old_top_is_a_recovery_at_whatever_height(scene: Scene) -> None:
    """Times 4 a bar to 256, then .93, .97 and 1 of that, again and again: three bars under water."""
    closes = [100 * 4.0**n for n in range(5)]
    closes += [closes[-1] * share for _ in range(20) for share in (0.93, 0.97, 1)]
    opens = [100, *closes]
    scene.seasoned(1, "2026-01-08", *[(o, max(o, c), min(o, c), c) for o, c in zip(opens, closes, strict=False)])
    scene.signals(1, "2026-01-07", *[1] * len(closes))
    scene.run("2026-04-30T00:20")
    falls = scene.rows(
        "select policy, peak_at, recovered_at, n_bars_under_water from marts.sector_drawdown "
        "where timeframe = '1d' and sector = 'all'"
    )
    top = [day("12"), day("15"), 3]
    assert {row[0]: list(row[1:]) for row in falls} == {"signal": top, "equal_weight": top, "hold": top}


def test_what_a_holder_paid_is_revised_with_the_bar(scene: Scene) -> None:
    scene.seasoned(1, "2026-01-08", (10, 12, 9, 11), flat(11), flat(11))
    scene.signals(1, "2026-01-07", 1, 1, 1)
    scene.run("2026-01-11T00:20")
    paid = "select entered_at, entry_price from work.hold_entry where timeframe = '1d'"
    assert scene.rows(paid) == [(day("08"), 10)]
    entry = next(place for place, row in enumerate(scene.bar_rows) if row[2] == day("08"))
    scene.bar_rows[entry] = (*scene.bar_rows[entry][:3], 10.5, *scene.bar_rows[entry][4:])
    assert not scene.run("2026-01-11T01:20").is_full
    assert scene.rows(paid) == [(day("08"), 10.5)]
    assert scene.rows(
        "select equity from marts.sector_equity "
        "where timeframe = '1d' and policy = 'hold' and sector = 'all' and bar_start = '2026-01-08'"
    ) == [(pytest.approx(11 / 10.5),)]
