"""A build lets DuckDB write in any order; what reads a delivery afterwards counts the rows of a file as they stand."""

from tests.warehouse.scene import Scene, flat

ASKED = "select current_setting('preserve_insertion_order')"


def test_rows_keep_their_order_after_a_build(scene: Scene) -> None:
    before = scene.rows(ASKED)
    scene.seasoned(1, "2026-01-08", flat(10), flat(11))
    scene.signals(1, "2026-01-07", 1, 1)
    assert scene.run("2026-01-10T00:20").is_full
    assert scene.rows(ASKED) == before
    scene.bars(1, "2026-01-10", flat(12))
    assert not scene.run("2026-01-11T00:20").is_full
    assert scene.rows(ASKED) == before
