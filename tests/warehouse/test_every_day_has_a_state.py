"""Every day that was to be expected is there, there late, in part, awaited, missing, or lost for good."""

from datetime import datetime

import pytest

from flows.sources.files import FilesSource
from flows.warehouse.build import build
from flows.warehouse.days import read_days, write_days
from tests.warehouse.scene import Scene, day, flat

# Days of January on which each vendor publishes nothing, and those on which only two of three tokens have.
SILENT = {"steady": set(), "sometimes": {1, 2, 4, 5, 6, 8, 9, 11, 12, 13, 15}, "halting": {14, 17}}
HALF = {"halting": {11}}


def deliver(scene: Scene, date: int, *, only_newest: bool = False) -> None:
    """What the run of 00:20 on a day of January finds: three tokens with all days before it."""
    scene.bar_rows, scene.signal_rows = [], []
    for token_id in (1, 2, 3):
        scene.bars(token_id, "2026-01-01", *[flat(10)] * (date - 1))
        for vendor, silent in SILENT.items():
            for at in range(date - 1 if only_newest else 1, date):
                if at not in silent and not (token_id == 3 and at in HALF.get(vendor, ())):
                    scene.signal(token_id, f"2026-01-{at:02}", 1, vendor=vendor)


def nights(scene: Scene, *dates: int, only_newest_from: int = 99) -> None:
    """Run on these days, and build after the last."""
    for date in dates:
        deliver(scene, date, only_newest=date >= only_newest_from)
        run = scene.take(f"2026-01-{date:02}T00:20")
    build(scene.connection, scene.settings, as_of=run.as_of, run_id=run.run_id)
    write_days(scene.connection, scene.settings, run.as_of)


def states(scene: Scene, vendor: str | None) -> dict[int, str]:
    return dict(
        scene.connection.execute(
            "select extract(day from bar_start), state from ops.day "
            "where timeframe = '1d' and vendor is not distinct from $vendor "
            "order by bar_start",
            {"vendor": vendor},
        ).fetchall()
    )


def test_days_are_complete_backfilled_or_partial_late_or_missing(scene: Scene) -> None:
    nights(scene, 11, 12, 16, 17, 18)
    # An outage of the 13th to the 15th: the run of the 16th brings its days, the last of them in time.
    in_time, afterwards = "complete", "backfilled"
    steady = {10: in_time, 11: in_time, 12: afterwards, 13: afterwards, 14: afterwards, 15: in_time, 16: in_time,
              17: in_time}  # fmt: skip
    assert states(scene, "steady") == states(scene, None) == steady
    # Where few rows come, a day without one lacks nothing once somebody has looked.
    assert states(scene, "sometimes") == steady
    # The 11th lacks a token, the 14th everything, and for the 17th the vendor has six hours left.
    halting = states(scene, "halting")
    assert halting == {10: in_time, 11: "partial", 12: afterwards, 13: afterwards, 14: "late", 15: in_time, 16: in_time}

    found = scene.rows("select n_tokens, n_expected, first_known_at from ops.day "
                       "where vendor = 'halting' and timeframe = '1d' and bar_start in ('2026-01-11', '2026-01-12') "
                       "order by bar_start")  # fmt: skip
    assert found == [(2, 3, day("12T00:20")), (3, 2, day("16T00:20"))]
    # Every expected day has one state.
    counts = scene.rows(
        "select count(*), count(distinct bar_start) from ops.day where timeframe = '1d' group by dataset, vendor"
    )
    assert sorted(counts) == [(7, 7), (8, 8), (8, 8), (8, 8)]

    def halting_at(moment: datetime, **settings: object) -> list[str]:
        days = read_days(scene.connection, scene.settings.model_copy(update=settings), moment)
        return [one.state for one in days if (one.vendor, one.timeframe) == ("halting", "1d")][4:]

    # Asked later, of the same file: prices have come until the 17th, so the signals of the 17th are late by six.
    assert halting_at(day("18T05:59")) == ["late", in_time, in_time]
    assert halting_at(day("18T06:00")) == ["late", in_time, in_time, "late"]
    assert halting_at(day("18T06:00"), catch_up="skip") == ["missing", in_time, in_time, "late"]
    assert halting_at(day("20T00:20"), catch_up="latest") == ["missing", in_time, in_time, "late"]
    assert halting_at(datetime(2026, 3, 1)) == ["missing", in_time, in_time, "missing"]


def test_a_young_feed_is_judged_by_the_few_days_it_has(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody looked at in time is lost, not backfilled, and no empty day of a steady vendor is complete."""
    monkeypatch.setattr(FilesSource, "no_history", frozenset({"signals"}))
    monkeypatch.setitem(SILENT, "halting", {4})
    nights(scene, 2, 3, 4, 5, 6, 8, only_newest_from=2)
    assert states(scene, "steady") == {**dict.fromkeys(range(1, 6), "complete"), 6: "unrecoverable", 7: "complete"}
    assert states(scene, "halting")[4] == "unrecoverable"
    # Nobody knows what it would have published on the 6th.
    assert states(scene, "sometimes")[6] == "unrecoverable"


def test_who_speaks_once_a_week_is_not_late_on_the_other_days(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SILENT, "sometimes", set(range(1, 99)) - {1, 8, 15, 22, 29})
    nights(scene, 20, *range(23, 31))
    assert set(states(scene, "sometimes").values()) == {"complete", "backfilled"}
    assert states(scene, "sometimes").keys() == states(scene, "steady").keys()


def test_what_the_vendor_keeps_no_history_of_is_lost_and_reported(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FilesSource, "no_history", frozenset({"signals"}))
    nights(scene, 11, 12, 14, 15, only_newest_from=12)
    assert states(scene, "steady") == {10: "complete", 11: "complete", 12: "unrecoverable", 13: "complete",
                                       14: "complete"}  # fmt: skip
    assert states(scene, None)[12] == "backfilled"


def test_a_silent_day_is_whole_once_somebody_has_looked_at_it(scene: Scene) -> None:
    """Not by the first who looked at anything after it, and by a later one only afterwards."""
    looks = [("02T00:20", "01", "01"), ("04T00:20", "02", "02"), ("05T00:20", "02", "04"), ("06T00:20", "05", "05")]
    for number, (looked_at, since, until) in enumerate(looks):
        values = {"id": number, "at": day(looked_at), "since": day(since), "until": day(until)}
        scene.connection.execute(
            "insert into ops.snapshot by name select $id as snapshot_id, 'days' as extent", {"id": number}
        )
        scene.connection.execute(
            "insert into ops.reread by name select $id as snapshot_id, 'signals' as dataset, 'v' as vendor, "
            "'1d' as timeframe, $at as as_of, $since as read_from, $until as read_to, true as has_history, "
            "false as is_archive",
            values,
        )
    found = read_days(scene.connection, scene.settings, day("06T00:20"))
    assert [one.state for one in found] == ["complete", "backfilled", "backfilled", "complete", "complete"]
