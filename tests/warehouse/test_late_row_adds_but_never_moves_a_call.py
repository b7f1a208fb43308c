"""Contract, section 4: the row before is the nearest one known no later than this one."""

from tests.warehouse.scene import Scene, day, flat

CALLS = (
    "select signal_at, direction, side_before, after_gap, provenance from core.call "
    "where timeframe = '1d' order by signal_at"
)


def test_a_row_known_later_does_not_hide_a_call(scene: Scene) -> None:
    """The 2nd's row was known on the 9th. On the 4th the row before the 3rd's was the 1st's: long after short, a call.
    The late row is itself a call, because the side before it was short, but it is backfill."""
    scene.bars(1, "2026-01-01", flat(10))
    scene.signal(1, "2026-01-01", -1, known_at="2026-01-02T00:10")
    scene.signal(1, "2026-01-02", 1, known_at="2026-01-09T00:10")
    scene.signal(1, "2026-01-03", 1, known_at="2026-01-04T00:10")
    scene.run("2026-01-10T00:20")
    assert scene.rows(CALLS) == [
        (day("02"), 1, -1, False, "backfill"),
        (day("03"), 1, -1, True, "attested"),
    ]


def test_a_row_that_is_delivered_later_moves_nothing(scene: Scene) -> None:
    """The same in two deliveries: the call of the 3rd stands as it was, and the late row adds one."""
    scene.bars(1, "2026-01-01", flat(10))
    scene.signals(1, "2026-01-01", -1, None, 1)
    scene.run("2026-01-04T00:20")
    before = scene.rows(CALLS)
    assert before == [(day("03"), 1, -1, True, "witnessed")]

    scene.signals(1, "2026-01-02", 1)
    assert not scene.run("2026-01-09T00:20").is_full
    assert scene.rows(CALLS) == [(day("02"), 1, -1, False, "backfill"), *before]


def test_nothing_known_before_makes_it_the_first_row(scene: Scene) -> None:
    """When the 2nd's row became known, the 1st's was not: to whoever looked then it was the first."""
    scene.bars(1, "2026-01-01", flat(10))
    scene.signal(1, "2026-01-01", -1, known_at="2026-01-09T00:10")
    scene.signal(1, "2026-01-02", 1, known_at="2026-01-03T00:10")
    scene.run("2026-01-10T00:20")
    assert scene.rows(CALLS) == []
