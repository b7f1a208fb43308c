"""A tokens file corrected and read again at the same as-of moment: the mistake was never known, nor is it half kept."""

from tests.warehouse.scene import Scene, flat


def test_corrected_sector_replaces_the_one_of_its_moment(scene: Scene) -> None:
    """Called a meme by mistake; the map gives both categories a sector, and the two must not be read as one token's."""
    scene.token(1, categories="Meme")
    scene.seasoned(1, "2026-01-08", *[flat(10)] * 3)
    scene.signals(1, "2026-01-07", 0, 1)
    scene.run("2026-01-11T00:20")
    scene.token(1, categories="Layer 1")
    scene.run("2026-01-11T00:20")
    assert scene.rows("select categories, sector from core.token order by revision") == [
        (["Meme"], "Meme"),
        (["Layer 1"], "Layer 1"),
    ]
    assert scene.rows("select distinct sector from marts.signal_outcome") == [("Layer 1",)]


def test_a_token_excluded_by_mistake_is_scored_once_corrected(scene: Scene) -> None:
    scene.token(1, categories="Stablecoins")
    scene.seasoned(1, "2026-01-08", *[flat(10)] * 3)
    scene.signals(1, "2026-01-07", 0, 1)
    scene.run("2026-01-11T00:20")
    scene.token(1, categories="Layer 1")
    scene.run("2026-01-11T00:20")
    assert scene.rows("select is_scored from core.token order by revision") == [(False,), (True,)]
    assert scene.rows("select distinct status from marts.signal_outcome where timeframe = '1d' and horizon = 1") == [
        ("matured",)
    ]
