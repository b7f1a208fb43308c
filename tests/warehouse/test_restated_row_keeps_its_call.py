"""Contract, sections 1 and 4: only the first version after the close makes a call; what came later is kept apart."""

from tests.warehouse.scene import Scene, day, flat

CALLS = (
    "select signal_at, direction, side_before, known_at, provenance from core.call "
    "where timeframe = '1d' order by signal_at"
)


def test_restated_row_keeps_its_call(scene: Scene) -> None:
    scene.bars(1, "2026-01-01", flat(10))
    scene.signals(1, "2026-01-01", 0, 1)
    scene.run("2026-01-03T00:20")
    first = [(day("02"), 1, 0, day("03T00:20"), "witnessed")]
    assert scene.rows(CALLS) == first

    scene.signal_rows = []
    scene.signals(1, "2026-01-01", 0, -1)
    scene.run("2026-01-04T00:20")
    assert scene.rows(CALLS) == first
    assert scene.rows(
        "select field, first_value, later_value, revision, changed_at from marts.restatement where timeframe = '1d'"
    ) == [("direction", "1", "-1", 1, day("04T00:20"))]


def test_the_side_before_is_what_was_known_then(scene: Scene) -> None:
    """On the 3rd the 2nd's row is long; on the 4th it is short. The 3rd's row, first seen on the 4th, is short
    too: by then that was no new side. The 4th's is long."""
    scene.bars(1, "2026-01-01", flat(10))
    scene.signals(1, "2026-01-01", 0, 1)
    scene.run("2026-01-03T00:20")
    scene.signal_rows = []
    scene.signals(1, "2026-01-01", 0, -1, -1)
    scene.run("2026-01-04T00:20")
    scene.signals(1, "2026-01-04", 1)
    scene.run("2026-01-05T00:20")
    assert scene.rows(
        "select signal_at, direction, side_before from core.call where timeframe = '1d' order by signal_at"
    ) == [
        (day("02"), 1, 0),
        (day("04"), 1, -1),
    ]


def test_a_version_before_the_close_is_no_restatement(scene: Scene) -> None:
    """Seen at noon as long, after the close as short: the second is the first version, and the call."""
    scene.bars(1, "2026-01-01", flat(10))
    scene.signals(1, "2026-01-01", 0, 1)
    scene.run("2026-01-02T12:00")
    assert scene.rows(CALLS) == []
    scene.signal_rows = []
    scene.signals(1, "2026-01-01", 0, -1)
    scene.run("2026-01-03T00:20")
    assert scene.rows(CALLS) == [(day("02"), -1, 0, day("03T00:20"), "witnessed")]
    assert scene.rows("from marts.restatement where timeframe = '1d'") == []
    assert scene.rows("select is_preliminary, revision, direction from core.signal "
    "where timeframe = '1d' and signal_at = '2026-01-02' "
                      "order by known_from") == [(True, None, 1), (False, 0, -1)]  # fmt: skip
