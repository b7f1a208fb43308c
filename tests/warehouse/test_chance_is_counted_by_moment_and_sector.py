"""What any window of a sector gave at each moment: covered tokens for each vendor, and all priced ones."""

from tests.exact import fixed
from tests.warehouse.scene import Scene, day


def test_windows_of_days_by_sector(second_night: Scene) -> None:
    """On the 9th, a bar on: 0.1 + 0.1 - 0.05 + 0.05, less four costs; w covers the first two, to the 11th."""
    second_night.expect(
        "work.base_count_1d",
        "vendor, epoch, is_of_entry, sector, entry_at, horizon, n_windows, n_hit_long, n_hit_short, "
        "net_long, net_short",
        ("v", 0, True, "Gaming", day("10"), 1, 1, 1, 0, fixed(0.498), fixed(-0.502)),
        ("v", 0, True, "Gaming", day("10"), 2, 1, 1, 0, fixed(0.648), fixed(-0.652)),
        ("v", 0, True, "Gaming", day("11"), 1, 1, 1, 0, fixed(0.098), fixed(-0.102)),
        ("v", 0, True, "Meme", day("09"), 1, 4, 3, 1, fixed(0.192), fixed(-0.208)),
        ("v", 0, True, "Meme", day("09"), 2, 4, 1, 2, fixed(0.142), fixed(-0.158)),
        ("v", 0, True, "Meme", day("09"), 3, 4, 2, 1, fixed(0.325), fixed(-0.341)),
        ("v", 0, True, "Meme", day("10"), 1, 4, 1, 1, fixed(-0.008), fixed(-0.008)),
        ("v", 0, True, "Meme", day("10"), 2, 4, 2, 1, fixed(0.172), fixed(-0.188)),
        ("v", 0, True, "Meme", day("11"), 1, 4, 2, 0, fixed(0.192), fixed(-0.208)),
        ("w", 0, True, "Meme", day("09"), 1, 2, 2, 0, fixed(0.196), fixed(-0.204)),
        ("w", 0, True, "Meme", day("09"), 2, 2, 1, 1, fixed(0.196), fixed(-0.204)),
        ("w", 0, True, "Meme", day("09"), 3, 2, 1, 1, fixed(0.284), fixed(-0.292)),
        ("w", 0, True, "Meme", day("10"), 1, 2, 1, 1, fixed(-0.004), fixed(-0.004)),
        ("w", 0, True, "Meme", day("10"), 2, 2, 1, 1, fixed(0.076), fixed(-0.084)),
        ("w", 0, True, "Meme", day("11"), 1, 2, 1, 0, fixed(0.096), fixed(-0.104)),
        (None, 0, True, "Gaming", day("10"), 1, 1, 1, 0, None, None),
        (None, 0, True, "Gaming", day("10"), 2, 1, 1, 0, None, None),
        (None, 0, True, "Gaming", day("11"), 1, 1, 1, 0, None, None),
        (None, 0, True, "Meme", day("09"), 1, 4, 3, 1, None, None),
        (None, 0, True, "Meme", day("09"), 2, 4, 1, 2, None, None),
        (None, 0, True, "Meme", day("09"), 3, 4, 2, 1, None, None),
        (None, 0, True, "Meme", day("10"), 1, 4, 1, 1, None, None),
        (None, 0, True, "Meme", day("10"), 2, 4, 2, 1, None, None),
        (None, 0, True, "Meme", day("11"), 1, 4, 2, 0, None, None),
        where="entry_at >= '2026-01-09'",
    )


def test_windows_of_hours_by_sector(second_night: Scene) -> None:
    second_night.expect(
        "work.base_count_1h",
        "vendor, epoch, is_of_entry, sector, entry_at, horizon, n_windows, n_hit_long, n_hit_short, "
        "net_long, net_short",
        ("v", 0, True, "Meme", day("08T02:00"), 1, 2, 1, 1, fixed(41 / 2250), fixed(-59 / 2250)),
        ("v", 0, True, "Meme", day("08T02:00"), 2, 2, 1, 1, fixed(-209 / 2250), fixed(191 / 2250)),
        ("v", 0, True, "Meme", day("08T03:00"), 1, 2, 0, 1, fixed(-261 / 2750), fixed(239 / 2750)),
        ("v", 0, True, "Meme", day("08T03:00"), 2, 2, 1, 0, fixed(239 / 2750), fixed(-261 / 2750)),
        ("v", 0, True, "Meme", day("08T04:00"), 1, 2, 1, 0, fixed(0.196), fixed(-0.204)),
        ("w", 0, True, "Meme", day("08T02:00"), 1, 1, 1, 0, fixed(2 / 9 - 0.002), fixed(-2 / 9 - 0.002)),
        ("w", 0, True, "Meme", day("08T02:00"), 2, 1, 1, 0, fixed(1 / 9 - 0.002), fixed(-1 / 9 - 0.002)),
        ("w", 0, True, "Meme", day("08T03:00"), 1, 1, 0, 1, fixed(-1 / 11 - 0.002), fixed(1 / 11 - 0.002)),
        ("w", 0, True, "Meme", day("08T03:00"), 2, 1, 1, 0, fixed(1 / 11 - 0.002), fixed(-1 / 11 - 0.002)),
        ("w", 0, True, "Meme", day("08T04:00"), 1, 1, 1, 0, fixed(0.198), fixed(-0.202)),
        (None, 0, True, "Meme", day("08T02:00"), 1, 2, 1, 1, None, None),
        (None, 0, True, "Meme", day("08T02:00"), 2, 2, 1, 1, None, None),
        (None, 0, True, "Meme", day("08T03:00"), 1, 2, 0, 1, None, None),
        (None, 0, True, "Meme", day("08T03:00"), 2, 2, 1, 0, None, None),
        (None, 0, True, "Meme", day("08T04:00"), 1, 2, 1, 0, None, None),
        where="entry_at >= '2026-01-08T02:00'",
    )


def test_base_rates_of_both_timeframes(second_night: Scene) -> None:
    """Token 5 is priced for w and not covered."""
    second_night.expect(
        "work.sector_base",
        "vendor, sector, timeframe, entry_at, horizon, n_windows, n_hit_long, n_hit_short, n_priced, "
        "n_priced_hit_long, n_priced_hit_short",
        ("v", "Gaming", "1d", day("10"), 1, 1, 1, 0, 1, 1, 0),
        ("v", "Gaming", "1d", day("11"), 1, 1, 1, 0, 1, 1, 0),
        ("v", "Meme", "1d", day("09"), 1, 4, 3, 1, 4, 3, 1),
        ("v", "Meme", "1d", day("10"), 1, 4, 1, 1, 4, 1, 1),
        ("v", "Meme", "1d", day("11"), 1, 4, 2, 0, 4, 2, 0),
        ("v", "Meme", "1h", day("08T03:00"), 1, 2, 0, 1, 2, 0, 1),
        ("v", "Meme", "1h", day("08T04:00"), 1, 2, 1, 0, 2, 1, 0),
        ("v", "all", "1d", day("09"), 1, 4, 3, 1, 4, 3, 1),
        ("v", "all", "1d", day("10"), 1, 5, 2, 1, 5, 2, 1),
        ("v", "all", "1d", day("11"), 1, 5, 3, 0, 5, 3, 0),
        ("v", "all", "1h", day("08T03:00"), 1, 2, 0, 1, 2, 0, 1),
        ("v", "all", "1h", day("08T04:00"), 1, 2, 1, 0, 2, 1, 0),
        ("w", "Gaming", "1d", day("10"), 1, 0, 0, 0, 1, 1, 0),
        ("w", "Gaming", "1d", day("11"), 1, 0, 0, 0, 1, 1, 0),
        ("w", "Meme", "1d", day("09"), 1, 2, 2, 0, 4, 3, 1),
        ("w", "Meme", "1d", day("10"), 1, 2, 1, 1, 4, 1, 1),
        ("w", "Meme", "1d", day("11"), 1, 2, 1, 0, 4, 2, 0),
        ("w", "Meme", "1h", day("08T03:00"), 1, 1, 0, 1, 2, 0, 1),
        ("w", "Meme", "1h", day("08T04:00"), 1, 1, 1, 0, 2, 1, 0),
        ("w", "all", "1d", day("09"), 1, 2, 2, 0, 4, 3, 1),
        ("w", "all", "1d", day("10"), 1, 2, 1, 1, 5, 2, 1),
        ("w", "all", "1d", day("11"), 1, 2, 1, 0, 5, 3, 0),
        ("w", "all", "1h", day("08T03:00"), 1, 1, 0, 1, 2, 0, 1),
        ("w", "all", "1h", day("08T04:00"), 1, 1, 1, 0, 2, 1, 0),
        where="horizon = 1 and entry_at >= '2026-01-08T03:00'",
    )


def test_series_of_sectors(second_night: Scene) -> None:
    second_night.expect(
        "temp.sector_series",
        "timeframe, horizon, vendor, sector, started_at, n_moments",
        ("1d", 1, "v", "Gaming", day("08"), 4),
        ("1d", 1, "v", "Meme", day("08"), 4),
        ("1d", 1, "v", "all", day("08"), 4),
        ("1d", 1, "w", "Gaming", day("08"), 4),
        ("1d", 1, "w", "Meme", day("08"), 4),
        ("1d", 1, "w", "all", day("08"), 4),
        ("1d", 2, "v", "Gaming", day("10"), 1),
        ("1d", 2, "v", "Meme", day("08"), 3),
        ("1d", 2, "v", "all", day("08"), 3),
        ("1d", 2, "w", "Gaming", day("10"), 1),
        ("1d", 2, "w", "Meme", day("08"), 3),
        ("1d", 2, "w", "all", day("08"), 3),
        ("1d", 3, "v", "Meme", day("08"), 2),
        ("1d", 3, "v", "all", day("08"), 2),
        ("1d", 3, "w", "Meme", day("08"), 2),
        ("1d", 3, "w", "all", day("08"), 2),
        ("1h", 1, "v", "Meme", day("08"), 5),
        ("1h", 1, "v", "all", day("08"), 5),
        ("1h", 1, "w", "Meme", day("08"), 5),
        ("1h", 1, "w", "all", day("08"), 5),
        ("1h", 2, "v", "Meme", day("08"), 4),
        ("1h", 2, "v", "all", day("08"), 4),
        ("1h", 2, "w", "Meme", day("08"), 4),
        ("1h", 2, "w", "all", day("08"), 4),
    )


def test_series_of_tokens(first_night: Scene, second_night: Scene) -> None:
    first_night.expect(
        "temp.token_series",
        "timeframe, vendor, token_id, started_at, n_bars",
        ("1d", "v", 1, day("01"), 10),
        ("1d", "v", 2, day("01"), 10),
        ("1d", "v", 3, day("01"), 10),
        ("1d", "w", 1, day("01"), 10),
        ("1d", "w", 2, day("01"), 10),
        ("1h", "v", 1, day("01"), 172),
        ("1h", "w", 1, day("01"), 172),
    )
    second_night.expect(
        "temp.token_series",
        "timeframe, vendor, token_id, started_at, n_bars",
        ("1d", "v", 1, day("01"), 11),
        ("1d", "v", 2, day("01"), 11),
        ("1d", "v", 3, day("01"), 11),
        ("1d", "v", 4, day("01"), 11),
        ("1d", "w", 1, day("01"), 11),
        ("1d", "w", 2, day("01"), 11),
        ("1h", "v", 1, day("01"), 173),
    )


def test_only_covered_windows_count(scene: Scene) -> None:
    """Token 2 is covered from its first row, of the 9th, on; both to the 12th, three days after the newest row."""
    up = (10.0, 11.0, 10.0, 11.0)
    for token_id in (1, 2):
        scene.seasoned(token_id, "2026-01-08", up, up, up, up, up, up)
    scene.signals(1, "2026-01-07", 0)
    scene.signals(2, "2026-01-09", 0)
    scene.run("2026-01-14T00:20")
    scene.expect(
        "work.base_count_1d",
        "entry_at, vendor, n_windows, n_hit_long, n_hit_short",
        (day("08"), "v", 1, 1, 0),
        (day("08"), None, 2, 2, 0),
        (day("09"), "v", 2, 2, 0),
        (day("09"), None, 2, 2, 0),
        (day("12"), "v", 2, 2, 0),
        (day("12"), None, 2, 2, 0),
        (day("13"), None, 2, 2, 0),
        where="horizon = 1 and entry_at not in ('2026-01-10', '2026-01-11')",
    )
