"""What a folder's trackrecord.toml declares stands in `ops`: how bytes were read, the grid, the ids of symbols."""

import json

import pandas as pd

from flows.clock import utc_now
from flows.pipeline import fetch
from flows.warehouse.snapshots import take_snapshot
from tests.exact import During, expect
from tests.product import make_run, snapshot_without_gate
from tests.warehouse.scene import Scene, flat, moment


def write_by_symbol(scene: Scene) -> None:
    """The folder of a scene with symbols in the place of ids, its days beginning at 23:00."""
    scene.is_daily_only = True
    scene.token(7, symbol="BTC")
    scene.token(8, symbol="eth")
    scene.bars(7, "2026-01-01T23:00", flat(100), flat(110))
    scene.bars(8, "2026-01-01T23:00", flat(10), flat(11))
    scene.signals(7, "2026-01-01T23:00", 0, 1)
    scene.write(None)
    symbols = {7: "BTC", 8: "eth"}
    for name in ("tokens", "prices", "signals"):
        frame = pd.read_parquet(scene.folder / f"{name}.parquet")
        symbol = frame["token_id"].map(symbols)
        frame.drop(columns="token_id").assign(symbol=symbol).to_parquet(scene.folder / f"{name}.parquet", index=False)
    (scene.folder / "trackrecord.toml").write_text(
        'vendor = "acme"\nbar_offset = "-1h"\n[signals]\nstyle = "events"\n', encoding="utf-8"
    )


def test_a_folder_without_ids_on_another_grid_is_recorded_as_it_was_declared(scene: Scene) -> None:
    began = utc_now()
    write_by_symbol(scene)
    run = make_run(scene.folder, scene.settings, as_of=moment("2026-01-05T00:20"))

    snapshot_without_gate(scene.connection, run)

    during = During(began, utc_now())
    expect(scene.connection, "ops.symbol_id", "symbol, token_id, given_at", ("BTC", 1, during), ("ETH", 2, during))
    expect(scene.connection, "ops.grid", "timeframe, offset_seconds, declared_at", ("1d", -3600, during))
    expect(
        scene.connection,
        "ops.snapshot",
        "dataset, vendor, declaration",
        ("prices", "acme", json.dumps({"bar_offset": {"1d": -3600}})),
        ("signals", "acme", json.dumps({"style": "events"})),
        ("tokens", "acme", None),
    )
    expect(
        scene.connection,
        "raw.signals",
        "vendor, token_id, signal_at, is_snapped",
        ("v", 1, moment("2026-01-01T23:00"), False),
        ("v", 1, moment("2026-01-02T23:00"), False),
    )


def test_the_same_bytes_under_the_same_declaration_are_not_read_again(scene: Scene) -> None:
    write_by_symbol(scene)
    run = make_run(scene.folder, scene.settings, as_of=moment("2026-01-05T00:20"))
    snapshot_without_gate(scene.connection, run)
    later = make_run(scene.folder, scene.settings, as_of=moment("2026-01-06T00:20"))

    again = [take_snapshot(scene.connection, later, kept, suites=None) for kept in fetch(later)]  # type: ignore[arg-type]

    assert [one.gate for one in again] == [None, None, None]
    assert scene.rows("select count(*) from ops.symbol_id") == [(2,)]
