"""Contract, section 4: what makes a row a call."""

from tests.warehouse.scene import Scene, day, flat


def _calls(scene: Scene) -> list[tuple[object, ...]]:
    return scene.rows(
        "select signal_at, direction, side_before, after_gap from core.call where timeframe = '1d' order by signal_at"
    )


def test_first_row_is_never_a_call(scene: Scene) -> None:
    """Nobody saw it begin; the side it names is the stance from then on."""
    scene.bars(1, "2026-01-01", flat(10))
    scene.signals(1, "2026-01-01", 1, 1, -1)
    scene.run("2026-01-05T00:20")
    assert _calls(scene) == [(day("03"), -1, 1, False)]


def test_states_call_when_the_side_is_new(scene: Scene) -> None:
    """0 ends a side and calls nothing; the same side after it is a new call."""
    scene.bars(1, "2026-01-01", flat(10))
    scene.signals(1, "2026-01-01", 0, 1, 1, 0, 1, -1)
    scene.run("2026-01-08T00:20")
    assert _calls(scene) == [
        (day("02"), 1, 0, False),
        (day("05"), 1, 0, False),
        (day("06"), -1, 1, False),
    ]


def test_events_call_when_they_leave_the_trend(scene: Scene) -> None:
    """A vendor of events is 0 while nothing fires; the trend beside it names the side it is on."""
    scene.bars(1, "2026-01-01", flat(10))
    for at, direction, trend in (("01", 0, 1), ("02", 1, 1), ("03", -1, -1), ("04", 0, -1), ("05", -1, -1)):
        scene.signal(1, f"2026-01-{at}", direction, trend=trend)
    scene.run("2026-01-07T00:20")
    # The 2nd repeats the trend of the 1st, the 5th that of the 4th: no new side.
    assert _calls(scene) == [(day("03"), -1, 1, False)]


def test_rows_further_apart_than_a_bar_are_marked(scene: Scene) -> None:
    scene.bars(1, "2026-01-01", flat(10))
    scene.signals(1, "2026-01-01", -1, None, 1)
    scene.run("2026-01-05T00:20")
    assert _calls(scene) == [(day("03"), 1, -1, True)]


def test_vendors_and_tokens_do_not_mix(scene: Scene) -> None:
    for token_id in (1, 2):
        scene.bars(token_id, "2026-01-01", flat(10))
    scene.signals(1, "2026-01-01", 1, vendor="v")
    scene.signals(1, "2026-01-02", -1, vendor="w")
    scene.signals(2, "2026-01-02", -1, vendor="v")
    scene.run("2026-01-04T00:20")
    assert _calls(scene) == []
