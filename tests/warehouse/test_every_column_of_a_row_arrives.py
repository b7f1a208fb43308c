"""What a delivery holds beside prices and sides is there as it came, in each timeframe."""

import pandas as pd

from flows.warehouse.build import build
from tests.product import make_run, snapshot_without_gate
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


def test_what_an_alert_has_beside_its_side_arrives(scene: Scene) -> None:
    """Claims, a stop, a target, and an expiry that may lie in the future; empty ones stay empty."""
    scene.is_daily_only = True
    scene.bars(1, "2026-01-01", flat(10), flat(10))
    scene.signals(1, "2026-01-01", 1, -1)
    scene.write(None)
    path = scene.folder / "signals.parquet"
    beside = {
        "claimed_return": [0.5, None],
        "claimed_hold_return": [-0.25, None],
        "stop_price": [9.0, None],
        "target_price": [12.0, None],
        "expires_at": pd.to_datetime(["2026-03-01 12:00", None]).astype("datetime64[us]"),
    }
    pd.read_parquet(path).assign(**beside).to_parquet(path, index=False)
    run = make_run(scene.folder, scene.settings, as_of=day("03T00:20"))
    snapshot_without_gate(scene.connection, run)
    build(scene.connection, scene.settings, as_of=run.as_of, run_id=run.run_id)
    scene.expect(
        "core.signal",
        "signal_at, claimed_return, claimed_hold_return, stop_price, target_price, expires_at",
        (day("01"), 0.5, -0.25, 9.0, 12.0, day("03-01T12:00")),
        (day("02"), None, None, None, None, None),
    )


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
