"""The database hands the parts of a block over in any order: what puts them in one is a number that each has alone."""

import pytest

from tests.warehouse.scene import Scene, flat


@pytest.mark.parametrize(("view", "most"), [("sector_cell_block", 3), ("token_cell_block", 5)])
def test_parts_of_a_block_are_numbered_apart(scene: Scene, view: str, most: int) -> None:
    """Calls of both directions and all provenances, entered in one week: some are seen in time, others come later."""
    scene.settings = scene.settings.model_copy(update={"horizons_1d": (7,)})
    scene.seasoned(1, "2026-01-08", *[flat(10)] * 7)
    scene.signals(1, "2026-01-12", -1, 1, -1)
    scene.run("2026-01-15T00:20")
    scene.bars(1, "2026-01-15", *[flat(10)] * 15)
    for day, direction in ((15, 1), (16, -1)):
        scene.signal(1, f"2026-01-{day}", direction, known_at=f"2026-01-{day + 1}T00:10")
    scene.signals(1, "2026-01-17", 1, -1)
    scene.run("2026-01-30T00:20")

    counts = f"select count(*) as n, count(distinct part) as n_apart from temp.{view} group by cell_id, block"
    assert scene.rows(f"select max(n), bool_and(n = n_apart) from ({counts})") == [(most, True)]
