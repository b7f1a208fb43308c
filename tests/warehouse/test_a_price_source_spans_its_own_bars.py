"""From when to when each price source has a token's bars, and which of them is used: each timeframe for itself."""

from tests.warehouse.scene import Scene, day, flat

SPANS = "timeframe, token_id, price_source, first_bar_at, last_bar_at"


def deliver(scene: Scene, source: str, *spans: tuple[str, str, int], as_of: str) -> bool:
    """Bars of token 1 in each span: its timeframe, its first bar and how many; whether the build was a full one."""
    scene.is_daily_only = True
    scene.bar_rows.clear()
    for timeframe, first, n_bars in spans:
        scene.bars(1, first, *[flat(10)] * n_bars, timeframe=timeframe)
    return scene.run(as_of, price_source=source).is_full


def test_a_price_source_spans_its_own_bars(scene: Scene) -> None:
    """Days of `spot` begin first, hours of `perp`; a later night brings what lies before, which widens a span."""
    deliver(scene, "spot", ("1d", "2026-01-03", 3), ("1h", "2026-01-05T04:00", 3), as_of="2026-01-06T00:20")
    deliver(scene, "perp", ("1d", "2026-01-04", 3), ("1h", "2026-01-05T02:00", 6), as_of="2026-01-07T00:20")
    scene.expect(
        "work.price_source_span",
        SPANS,
        ("1d", 1, "perp", day("04"), day("06")),
        ("1d", 1, "spot", day("03"), day("05")),
        ("1h", 1, "perp", day("05T02:00"), day("05T07:00")),
        ("1h", 1, "spot", day("05T04:00"), day("05T06:00")),
    )
    scene.expect("work.price_source", "timeframe, token_id, price_source", ("1d", 1, "spot"), ("1h", 1, "perp"))
    assert not deliver(scene, "spot", ("1d", "2026-01-01", 7), ("1h", "2026-01-05T05:00", 4), as_of="2026-01-08T00:20")
    scene.expect(
        "work.price_source_span",
        SPANS,
        ("1d", 1, "perp", day("04"), day("06")),
        ("1d", 1, "spot", day("01"), day("07")),
        ("1h", 1, "perp", day("05T02:00"), day("05T07:00")),
        ("1h", 1, "spot", day("05T04:00"), day("05T08:00")),
    )
