"""Blocks of time are numbered from 1970 on, and those before it are as wide as all others."""

from tests.warehouse.scene import Scene, flat


def test_blocks_are_as_wide_before_1970(scene: Scene) -> None:
    """A call a day, entered from 25 December to 6 January."""
    scene.seasoned(1, "1969-12-23", *[flat(10)] * 25)
    scene.signals(1, "1969-12-23", *[1, -1] * 7)
    scene.run("1970-01-20T00:20")
    assert scene.rows(
        "select block, n_calls from work.sector_block where horizon = 3 and sector = 'all' and direction = 'both' "
        "and entry_rule = 'next_open' order by block"
    ) == [(-3, 1), (-2, 3), (-1, 3), (0, 3), (1, 3)]
