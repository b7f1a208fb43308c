"""Contract, section 3: a bar on which nothing was traded is a filled bar, delivered or not."""

import pytest

from tests.warehouse.scene import VOLUME, Bar, Scene, day, flat

FLAT = "timeframe, token_id, price_source, bar_start, flat_from, is_traded"
SEGMENTS = "segment, started_at, ended_at, n_bars, n_filled, has_ended"


def deliver(scene: Scene, *bars: tuple[Bar | None, float | None], as_of: str = "2026-01-21T00:20") -> bool:
    """Token 1 as given from the first of January on, each bar with its volume; token 9 trades to the 20th."""
    scene.is_daily_only = True
    scene.bar_rows.clear()
    for number, (bar, volume) in enumerate(bars):
        scene.bars(1, f"2026-01-{1 + number:02}", bar, volume=volume)
    scene.bars(9, "2026-01-01", *[flat(7)] * 20)
    return scene.run(as_of).is_full


def segments(scene: Scene) -> list[tuple[object, ...]]:
    return scene.rows(f"select {SEGMENTS} from core.segment where token_id = 1 order by segment")


UP, STILL = (10, 11, 10, 11), flat(11)


def test_a_bar_without_volume_at_the_close_before_is_filled(scene: Scene) -> None:
    deliver(scene, (UP, 5.0), (STILL, 0.0), (STILL, 0.0), ((11, 12, 11, 12), 5.0))
    scene.expect(
        "work.flat_bar",
        FLAT,
        ("1d", 1, "", day("02"), day("02"), False),
        ("1d", 1, "", day("03"), day("02"), False),
    )
    assert segments(scene) == [(1, day("01"), day("05"), 4, 2, True)]


@pytest.mark.parametrize("last", [(STILL, 3.0), (flat(12), 0.0), ((11, 12, 11, 11), 0.0)])
def test_a_bar_that_traded_or_moved_is_a_bar(scene: Scene, last: tuple[Bar, float]) -> None:
    deliver(scene, (UP, 5.0), (STILL, 0.0), last)
    assert segments(scene) == [(1, day("01"), day("04"), 3, 1, True)]


def test_of_unknown_volume_a_run_is_without_trade_from_its_fourth_day_on(scene: Scene) -> None:
    deliver(scene, (UP, None), *[(STILL, None)] * 5, ((11, 12, 11, 12), None))
    scene.expect(
        "work.flat_bar",
        FLAT,
        ("1d", 1, "", day("02"), day("02"), True),
        ("1d", 1, "", day("03"), day("02"), True),
        ("1d", 1, "", day("04"), day("02"), True),
        ("1d", 1, "", day("05"), day("02"), False),
        ("1d", 1, "", day("06"), day("02"), False),
    )
    assert segments(scene) == [(1, day("01"), day("08"), 7, 2, True)]


def test_a_segment_ends_at_its_last_traded_bar(scene: Scene) -> None:
    """Flat candles of a delisted pair go on for more than three days, so what comes after is another segment."""
    deliver(scene, (UP, 5.0), *[(STILL, 0.0)] * 9, (UP, 5.0), *[(STILL, 0.0)] * 9)
    assert segments(scene) == [(1, day("01"), day("02"), 1, 0, True), (2, day("11"), day("12"), 1, 0, True)]


def test_a_price_that_is_rounded_stands_still(scene: Scene) -> None:
    """Within one part in a million it is the same price, beyond it is another."""
    deliver(scene, (UP, 5.0), (flat(11.00001), 0.0), (flat(11.00003), 0.0))
    scene.expect("work.flat_bar", FLAT, ("1d", 1, "", day("02"), day("02"), False))


def test_an_increment_reads_the_bar_before_and_no_others(scene: Scene) -> None:
    """Another still day of unknown volume is the fourth of a run that the build before has begun."""
    still = [(STILL, None)] * 3
    assert deliver(scene, (UP, None), *still, as_of="2026-01-20T00:20")
    assert not deliver(scene, (UP, None), *still, (STILL, None), ((11, 12, 11, 12), None))
    scene.expect(
        "temp.flat_scope",
        "timeframe, token_id, price_source, touched_from, previous_at, previous_close, previous_flat_from",
        ("1d", 1, "", day("05"), day("04"), 11.0, day("02")),
    )
    scene.expect("work.flat_bar", FLAT, ("1d", 1, "", day("05"), day("02"), False), where="not is_traded")
    scene.expect("temp.touched_bar", "timeframe, token_id, touched_from", ("1d", 1, day("06")), where="token_id = 1")


def test_candles_of_a_dead_pair_touch_nothing(scene: Scene) -> None:
    """Else each night would make its spine anew, from the day it died on."""
    dead = [(UP, 5.0), *[(STILL, 0.0)] * 9]
    deliver(scene, *dead, as_of="2026-01-20T00:20")
    assert not deliver(scene, *dead, (STILL, 0.0), (STILL, 0.0))
    scene.expect("temp.touched_bar", "timeframe, token_id, touched_from", where="token_id = 1")
    assert segments(scene) == [(1, day("01"), day("02"), 1, 0, True)]


def test_the_last_bar_that_turns_out_to_be_without_trade_is_taken_back(scene: Scene) -> None:
    deliver(scene, (UP, 5.0), (STILL, VOLUME), as_of="2026-01-20T00:20")
    assert segments(scene) == [(1, day("01"), day("03"), 2, 0, True)]
    assert deliver(scene, (UP, 5.0), (STILL, 0.0))
    assert segments(scene) == [(1, day("01"), day("02"), 1, 0, True)]
