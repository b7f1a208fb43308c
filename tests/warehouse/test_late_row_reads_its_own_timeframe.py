"""What a late row finds before it is what its own timeframe showed then, whatever the other one has nearer by."""

from tests.warehouse.scene import Scene, day, flat

CALLS = "timeframe, signal_at, direction, side_before, after_gap"


def lay_out(scene: Scene, gap: int) -> None:
    """A row before the late one, and one so many days later, which the late one is too late for.

    Daily: short, then (late) long, then long; hourly: long, then (late) short, then short. The other timeframe's rows
    lie nearer, were known in time, and of a side that would make no call.
    """
    scene.is_daily_only = True
    scene.bars(1, "2026-01-01", flat(10))
    for timeframe, side, hour in (("1d", 1, 0), ("1h", -1, 5)):
        for at, direction, known_at in (
            ("01", -side, f"02T{hour:02}:10"),
            ("01" if timeframe == "1h" else "02", side, "29T00:10"),
            (f"{1 + gap:02}", side, f"{2 + gap:02}T{hour:02}:10"),
        ):
            hours = hour + (known_at == "29T00:10" and timeframe == "1h")
            scene.signal(
                1, f"2026-01-{at}T{hours:02}:00", direction, known_at=f"2026-01-{known_at}", timeframe=timeframe
            )


def test_the_side_before_of_the_days_before(scene: Scene) -> None:
    """Within the week before: of the daily row, the hourly one at 05:00 is the nearer, and of the same side as it."""
    lay_out(scene, 2)
    scene.run("2026-01-30T00:20")
    scene.expect(
        "core.call",
        CALLS,
        ("1d", day("02"), 1, -1, False),
        ("1d", day("03"), 1, -1, True),
        ("1h", day("01T06:00"), -1, 1, False),
        ("1h", day("03T05:00"), -1, 1, True),
    )


def test_the_side_before_of_long_ago(scene: Scene) -> None:
    lay_out(scene, 12)
    scene.run("2026-01-30T00:20")
    scene.expect(
        "core.call",
        CALLS,
        ("1d", day("02"), 1, -1, False),
        ("1d", day("13"), 1, -1, True),
        ("1h", day("01T06:00"), -1, 1, False),
        ("1h", day("13T05:00"), -1, 1, True),
    )


def test_a_night_finds_the_row_before_in_the_timeframe_it_touches(scene: Scene) -> None:
    """Late rows of both: the 5th's follows that of the 4th, that of the 3rd, 02:00, that of 01:00; the hour's row of
    the 4th lies before the day that came late, and is not the hour's."""
    scene.is_daily_only = True
    scene.bars(1, "2026-01-01", flat(10))
    scene.signals(1, "2026-01-01", -1, -1, -1, -1, None, -1)
    for at, direction in (("01T00:00", 1), ("03T01:00", 1), ("04T03:00", -1), ("06T00:00", -1)):
        scene.signal(1, f"2026-01-{at}", direction, timeframe="1h")
    scene.signal(1, "2026-01-04", 1, vendor="w")
    scene.run("2026-01-07T00:20")
    scene.signal(1, "2026-01-05", 1)
    scene.signal(1, "2026-01-03T02:00", -1, timeframe="1h")
    assert not scene.run("2026-01-08T00:20").is_full
    scene.expect(
        "plan.call_scope",
        "vendor, timeframe, token_id, signal_from, anchor_at",
        ("v", "1d", 1, day("05"), day("04")),
        ("v", "1h", 1, day("03T02:00"), day("03T01:00")),
    )
    # The 6th's was no call and is none: when it became known, long of the 5th was not. The hour's 4th stays one too.
    scene.expect(
        "core.call",
        CALLS,
        ("1d", day("05"), 1, -1, False),
        ("1h", day("03T02:00"), -1, 1, False),
        ("1h", day("04T03:00"), -1, 1, True),
    )
