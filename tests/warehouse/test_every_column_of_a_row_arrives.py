"""What a delivery holds beside prices and sides is there as it came, in each timeframe."""

import pandas as pd

from tests.warehouse.scene import Scene, day, flat


def test_every_column_of_a_row_arrives(scene: Scene) -> None:
    scene.token(1, symbol="ONE", name="The first", categories="Meme")
    for timeframe, volume in (("1d", 5e6), ("1h", 250.5)):
        scene.bar_rows.append((1, timeframe, pd.Timestamp("2026-01-01"), 10, 12, 9, 11, volume))
    scene.signal(1, "2026-01-01", 0, trend=1, score=0.75)
    scene.signal(1, "2026-01-01", 1, trend=-1, score=-0.5, timeframe="1h")
    scene.run("2026-01-02T00:20", price_source="spot")
    scene.expect("core.token", "token_id, symbol, name", (1, "ONE", "The first"))
    scene.expect(
        "core.price_bar",
        "timeframe, open, high, low, close, volume_usd, price_source",
        ("1d", 10.0, 12.0, 9.0, 11.0, 5e6, "spot"),
        ("1h", 10.0, 12.0, 9.0, 11.0, 250.5, "spot"),
    )
    scene.expect("core.signal", "timeframe, direction, trend, score", ("1d", 0, 1, 0.75), ("1h", 1, -1, -0.5))


def test_a_level_is_found_by_its_price(scene: Scene) -> None:
    """Two levels of one day: the one at 12 is gone when somebody looks again, of the days and not of the hours."""
    scene.bars(1, "2026-01-01", flat(10))
    scene.signals(1, "2026-01-01", 0)
    levels = [
        {"vendor": "v", "token_id": 1, "timeframe": timeframe, "level_at": "2026-01-01", "price": price}
        for timeframe in ("1d", "1h")
        for price in (9.0, 12.0)
    ]
    scene.other_rows = {"levels": levels}
    scene.take("2026-01-03T00:20")
    scene.other_rows = {"levels": [levels[0], levels[2], levels[3]]}
    scene.run("2026-01-04T00:20")
    scene.expect(
        "ops.vanished",
        "dataset, vendor, token_id, timeframe, key, moment_at, is_back",
        ("levels", "v", 1, "1d", "12.0", day("01"), False),
    )
    scene.expect(
        "marts.restatement",
        "dataset, timeframe, key, kind, first_value, changed_at",
        ("levels", "1d", "12.0", "vanished", None, day("04T00:20")),
    )
