"""Contract, section 1: a call keeps the sector of its day, and is compared with the tokens that were of it then."""

from datetime import datetime

from tests.warehouse.scene import Scene, day, flat


def test_each_epoch_has_its_own_sectors(scene: Scene) -> None:
    """Token 1 was a meme until the delivery of the 11th, 00:20, which also brings its call of the 9th, entered on the
    10th: of the game it is by then."""
    scene.token(1, categories="Meme")
    for token_id in (1, 2):
        scene.bars(token_id, "2026-01-01", *[flat(10)] * 9)
        scene.signals(token_id, "2026-01-07", 0, 1)
    scene.run("2026-01-10T00:20")
    scene.token(1, categories="GameFi")
    for token_id in (1, 2):
        scene.bars(token_id, "2026-01-10", (10, 11, 10, 11))
    scene.signals(1, "2026-01-09", -1)
    assert scene.run("2026-01-11T00:20").reason.startswith("a known token changed its symbol, sector")
    scene.expect("work.sector_epoch", "epoch, valid_from", (0, datetime.min), (1, day("11T00:20")))
    scene.expect(
        "work.token_sector",
        "epoch, token_id, sector",
        (0, 1, "Meme"),
        (0, 2, "Meme"),
        (1, 1, "Gaming"),
        (1, 2, "Meme"),
    )
    scene.expect(
        "core.token",
        "token_id, categories, sector, known_from, known_to, revision",
        (1, ["GameFi"], "Gaming", day("11T00:20"), None, 1),
        (1, ["Meme"], "Meme", day("10T00:20"), day("11T00:20"), 0),
        (2, ["Meme"], "Meme", day("10T00:20"), None, 0),
    )
    scene.expect(
        "core.call",
        "token_id, signal_at, sector_epoch, sector",
        (1, day("08"), 0, "Meme"),
        (1, day("09"), 1, "Gaming"),
        (2, day("08"), 0, "Meme"),
        where="timeframe = '1d'",
    )
    scene.expect(
        "temp.base_need",
        "entry_at, epoch, is_of_entry",
        (day("09"), 0, True),
        (day("10"), 0, True),
        (day("10"), 1, False),
        where="timeframe = '1d' and entry_at >= '2026-01-09'",
    )
    scene.expect(
        "work.base_count_1d",
        "vendor, epoch, is_of_entry, sector, n_windows, n_hit_long",
        ("v", 0, True, "Meme", 2, 2),
        ("v", 1, False, "Gaming", 1, 1),
        ("v", 1, False, "Meme", 1, 1),
        (None, 0, True, "Meme", 2, 2),
        where="entry_at = '2026-01-10' and horizon = 1",
    )
