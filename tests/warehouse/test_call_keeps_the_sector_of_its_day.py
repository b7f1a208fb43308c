"""Contract, section 1: a call keeps the sector its token had when the call became known."""

from tests.warehouse.scene import Scene, day, flat


def test_call_keeps_the_sector_of_its_day(scene: Scene) -> None:
    """Meme until the 10th, Gaming from the delivery of the 11th on; the call of the 8th stays with the memes."""
    scene.token(1, categories="Meme")
    scene.bars(1, "2026-01-01", *[flat(10)] * 9)
    scene.signals(1, "2026-01-07", 0, 1)
    scene.run("2026-01-10T00:20")
    scene.token(1, categories="GameFi")
    scene.bars(1, "2026-01-10", flat(10))
    scene.signals(1, "2026-01-09", -1)
    scene.run("2026-01-11T00:20")
    assert scene.rows(
        "select signal_at, sector from marts.signal_outcome "
        "where timeframe = '1d' and horizon = 1 and entry_rule = 'next_open' order by all"
    ) == [(day("08"), "Meme"), (day("09"), "Gaming")]


def test_what_is_excluded_is_excluded_at_once(scene: Scene) -> None:
    """A leveraged token is never scored, not even before its windows have closed."""
    scene.token(1, symbol="AAVEDOWNUSDT")
    scene.seasoned(1, "2026-01-08", flat(10))
    scene.signals(1, "2026-01-06", 0, 1)
    scene.run("2026-01-09T00:20")
    assert scene.rows(
        "select horizon, status, hit from marts.signal_outcome "
        "where timeframe = '1d' and entry_rule = 'next_open' order by horizon"
    ) == [(1, "excluded", None), (2, "excluded", None), (3, "excluded", None)]
