"""Contract, section 4: next_open is the vendor's best case; tradable is what somebody could have done."""

from tests.warehouse.scene import Scene, day, flat


def test_tradable_waits_until_it_was_known(scene: Scene) -> None:
    """All signals are of the 8th, known: 1 during the bar, 2 at its very end, 3 a minute after, 4 just before the end
    of the bar after, 5 at it: no longer in time."""
    known = {1: "08T12:00", 2: "09T00:00", 3: "09T00:01", 4: "09T23:59:59", 5: "10T00:00"}
    for token_id, moment in known.items():
        scene.seasoned(token_id, "2026-01-08", flat(10), flat(11), flat(12))
        scene.signal(token_id, "2026-01-07", 0, known_at="2026-01-07T12:00")
        scene.signal(token_id, "2026-01-08", 1, known_at=f"2026-01-{moment}")
    scene.run("2026-01-11T00:20")
    assert scene.rows(
        "select token_id, provenance, entry_rule, entry_at, entry_price from marts.signal_outcome "
        "where timeframe = '1d' and horizon = 1 "
        "order by all"
    ) == [
        (1, "attested", "next_open", day("09"), 11),
        (1, "attested", "tradable", day("09"), 11),
        (2, "attested", "next_open", day("09"), 11),
        (2, "attested", "tradable", day("09"), 11),
        (3, "attested", "next_open", day("09"), 11),
        (3, "attested", "tradable", day("10"), 12),
        (4, "attested", "next_open", day("09"), 11),
        (4, "attested", "tradable", day("10"), 12),
        (5, "backfill", "next_open", day("09"), 11),
    ]


def test_only_our_own_clock_makes_a_row_witnessed(scene: Scene) -> None:
    """Fetched at 00:20 on the 10th: the 9th's row, and the 8th's no more, unless a file has it as known."""
    for token_id in (1, 2):
        scene.bars(token_id, "2026-01-01", *[flat(10)] * 9)
    scene.signals(1, "2026-01-07", 0, 1, -1)
    scene.signal(2, "2026-01-07", 0, known_at="2026-01-08T00:10", vendor="w")
    scene.signal(2, "2026-01-08", 1, known_at="2026-01-09T00:10", vendor="w")
    scene.run("2026-01-10T00:20")
    assert scene.rows("select vendor, signal_at, provenance from core.call where timeframe = '1d' order by all") == [
        ("v", day("08"), "backfill"),
        ("v", day("09"), "witnessed"),
        ("w", day("08"), "attested"),
    ]
