"""Who covers what, what is a call, and when it is entered: two vendors and two timeframes of the small market."""

from tests.warehouse.scene import Scene, day


def test_who_covers_what(first_night: Scene, second_night: Scene) -> None:
    """Three bars after the vendor's newest row of that timeframe, whichever token it is of."""
    first_night.expect(
        "work.coverage",
        "vendor, timeframe, token_id, covered_from, newest_signal_at, covered_to",
        ("v", "1d", 1, day("07"), day("10"), day("13")),
        ("v", "1d", 2, day("07"), day("10"), day("13")),
        ("v", "1d", 3, day("07"), day("10"), day("13")),
        ("v", "1d", 4, day("07"), day("10"), day("13")),
        ("v", "1d", 5, day("07"), day("08"), day("13")),
        ("v", "1d", 6, day("07"), day("08"), day("13")),
        ("v", "1h", 1, day("08"), day("08T02:00"), day("08T05:00")),
        ("v", "1h", 2, day("08"), day("08T02:00"), day("08T05:00")),
        ("w", "1d", 1, day("06"), day("08"), day("11")),
        ("w", "1d", 2, day("06"), day("08"), day("11")),
        ("w", "1h", 1, day("08"), day("08T01:00"), day("08T04:00")),
    )
    second_night.expect(
        "work.coverage",
        "vendor, timeframe, token_id, covered_from, newest_signal_at, covered_to",
        ("v", "1d", 1, day("07"), day("11"), day("14")),
        ("v", "1d", 2, day("07"), day("11"), day("14")),
        ("v", "1d", 3, day("07"), day("11"), day("14")),
        ("v", "1d", 4, day("07"), day("11"), day("14")),
        ("v", "1d", 5, day("07"), day("08"), day("14")),
        ("v", "1d", 6, day("07"), day("08"), day("14")),
        ("v", "1h", 1, day("08"), day("08T03:00"), day("08T06:00")),
        ("v", "1h", 2, day("08"), day("08T02:00"), day("08T06:00")),
        ("w", "1d", 1, day("06"), day("08"), day("11")),
        ("w", "1d", 2, day("06"), day("08"), day("11")),
        ("w", "1h", 1, day("08"), day("08T01:00"), day("08T04:00")),
    )
    second_night.expect(
        "work.vendor",
        "vendor, vendor_id",
        ("v", 1),
        ("w", 2),
    )


def test_what_is_known_of_tokens_now(second_night: Scene) -> None:
    second_night.expect(
        "work.current_token",
        "token_id, symbol, sector, is_scored",
        (1, "ONE", "Meme", True),
        (2, "TWO", "Meme", True),
        (3, "THREE", "Meme", True),
        (4, "FOUR", "Meme", True),
        (5, "FIVE", "Gaming", True),
        (6, "SIX", "Stablecoins", False),
    )


def test_what_is_a_call(second_night: Scene) -> None:
    second_night.expect(
        "core.call",
        "vendor, token_id, timeframe, signal_at, direction, side_before, after_gap, known_at, provenance,"
        " sector_epoch, sector",
        ("v", 1, "1d", day("08"), 1, 0, False, day("11T00:20"), "backfill", 0, "Meme"),
        ("v", 1, "1d", day("10"), -1, 1, False, day("11T00:20"), "witnessed", 0, "Meme"),
        ("v", 1, "1h", day("08T01:00"), 1, -1, False, day("11T00:20"), "backfill", 0, "Meme"),
        ("v", 1, "1h", day("08T02:00"), -1, 1, False, day("11T00:20"), "backfill", 0, "Meme"),
        ("v", 2, "1d", day("08"), -1, 0, False, day("11T00:20"), "backfill", 0, "Meme"),
        ("v", 2, "1d", day("11"), 1, 0, False, day("12T00:20"), "witnessed", 0, "Meme"),
        ("v", 3, "1d", day("08"), 1, 0, False, day("11T00:20"), "backfill", 0, "Meme"),
        ("v", 3, "1d", day("09"), -1, 1, False, day("12T00:20"), "backfill", 0, "Meme"),
        ("v", 4, "1d", day("11"), 1, 0, False, day("12T00:20"), "witnessed", 0, "Meme"),
        ("v", 5, "1d", day("08"), 1, 0, False, day("11T00:20"), "backfill", 0, "Gaming"),
        ("v", 6, "1d", day("08"), 1, 0, False, day("11T00:20"), "backfill", 0, "Stablecoins"),
        ("w", 1, "1d", day("08"), -1, 0, True, day("08T18:00"), "attested", 0, "Meme"),
        ("w", 1, "1h", day("08T01:00"), -1, 1, False, day("08T01:30"), "attested", 0, "Meme"),
        ("w", 2, "1d", day("08"), 1, 0, True, day("09T06:00"), "attested", 0, "Meme"),
    )


def test_when_each_call_is_entered(second_night: Scene) -> None:
    second_night.expect(
        "work.call_entry",
        "vendor, token_id, timeframe, signal_at, direction, provenance, entry_rule, entry_at",
        ("v", 1, "1d", day("08"), 1, "backfill", "next_open", day("09")),
        ("v", 1, "1d", day("10"), -1, "witnessed", "next_open", day("11")),
        ("v", 1, "1d", day("10"), -1, "witnessed", "tradable", day("12")),
        ("v", 1, "1h", day("08T01:00"), 1, "backfill", "next_open", day("08T02:00")),
        ("v", 1, "1h", day("08T02:00"), -1, "backfill", "next_open", day("08T03:00")),
        ("v", 2, "1d", day("08"), -1, "backfill", "next_open", day("09")),
        ("v", 2, "1d", day("11"), 1, "witnessed", "next_open", day("12")),
        ("v", 2, "1d", day("11"), 1, "witnessed", "tradable", day("13")),
        ("v", 3, "1d", day("08"), 1, "backfill", "next_open", day("09")),
        ("v", 3, "1d", day("09"), -1, "backfill", "next_open", day("10")),
        ("v", 4, "1d", day("11"), 1, "witnessed", "next_open", day("12")),
        ("v", 4, "1d", day("11"), 1, "witnessed", "tradable", day("13")),
        ("v", 5, "1d", day("08"), 1, "backfill", "next_open", day("09")),
        ("v", 6, "1d", day("08"), 1, "backfill", "next_open", day("09")),
        ("w", 1, "1d", day("08"), -1, "attested", "next_open", day("09")),
        ("w", 1, "1d", day("08"), -1, "attested", "tradable", day("09")),
        ("w", 1, "1h", day("08T01:00"), -1, "attested", "next_open", day("08T02:00")),
        ("w", 1, "1h", day("08T01:00"), -1, "attested", "tradable", day("08T02:00")),
        ("w", 2, "1d", day("08"), 1, "attested", "next_open", day("09")),
        ("w", 2, "1d", day("08"), 1, "attested", "tradable", day("10")),
    )
