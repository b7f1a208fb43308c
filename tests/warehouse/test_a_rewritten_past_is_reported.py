"""A vendor that changes, deletes or inserts rows of its past is reported, with what it would gain by it."""

from datetime import datetime

import pytest

from tests.warehouse.scene import SIGNAL_COLUMNS, Scene, day, flat

KINDS = (
    "select token_id, kind, is_flattering from marts.restatement "
    "where timeframe = '1d' and coalesce(field, '') <> 'score' order by all"
)
GONE = (
    "select token_id, moment_at, is_back from ops.vanished "
    "where timeframe = '1d' order by snapshot_id, token_id, moment_at"
)
RATES = (
    "select n_reread, n_restated, n_calls_published, hit_rate_published, n_calls_restated, hit_rate_restated "
    "from marts.restatement_summary where timeframe = '1d' and dataset = 'signals' and sector = 'all' and horizon = 1"
)


def moving(token_id: int, scene: Scene, close: float) -> None:
    """Ten until the 11th, on which the price goes to `close` and stays."""
    scene.season(token_id, "2026-01-08", 10)
    scene.bars(token_id, "2026-01-08", *[flat(10)] * 3, (10, max(10, close), min(10, close), close), *[flat(close)] * 6)


def test_what_a_rewritten_past_would_gain(scene: Scene) -> None:
    for token_id, close in ((1, 9), (2, 11), (3, 11), (4, 11)):
        moving(token_id, scene, close)
    rows = {1: (0, 0, 1, 1, 1, 1, 1, 1), 2: (0, 0, -1, 0, 0, 0, 0, 0), 3: (0, 0, None, 0, 0, 0, 0, 0), 4: (0, 0, 1)}
    for token_id, directions in rows.items():
        scene.signals(token_id, "2026-01-08", *directions)
    scene.run("2026-01-16T00:20")
    assert scene.rows(KINDS) == []
    # Two calls missed and one hit; nothing was looked at again yet.
    assert scene.rows(RATES) == [(0, 0, 3, pytest.approx(1 / 3), 3, pytest.approx(1 / 3))]

    # The miss on 1 is flipped, that on 2 deleted, and a hit on 3 inserted.
    scene.signal_rows = []
    rows |= {1: (0, 0, -1, 1, 1, 1, 1, 1), 2: (0, 0, None, 0, 0, 0, 0, 0), 3: (0, 0, 1, 0, 0, 0, 0, 0)}
    for token_id, directions in rows.items():
        scene.signals(token_id, "2026-01-08", *directions, *(() if token_id == 4 else (directions[-1],)))
    scene.run("2026-01-17T00:20")
    assert scene.rows(KINDS) == [(1, "changed", True), (2, "vanished", True), (3, "appeared", True)]
    # Of 26 rows that were there and the one inserted. Now the 10th's short on 1 hits, and its long of the 11th, which
    # is a new side by now, misses; 3 and 4 hit.
    assert scene.rows(RATES) == [(27, 3, 3, pytest.approx(1 / 3), 4, 0.75)]
    assert scene.rows("select distinct changed_at from marts.restatement") == [(day("17T00:20"),)]
    # The first version is what is scored, but for the insertion, which is backfill.
    assert scene.rows("select token_id, direction, provenance from core.call "
                          "where timeframe = '1d' and signal_at = '2026-01-10' "
                      "order by all") == [(1, 1, "backfill"), (2, -1, "backfill"), (3, 1, "backfill"),
                                          (4, 1, "backfill")]  # fmt: skip


def test_a_change_that_costs_a_hit_does_not_flatter(scene: Scene) -> None:
    moving(1, scene, 11)
    scene.signals(1, "2026-01-08", 0, 0, 1, 1)
    scene.take("2026-01-16T00:20")
    scene.signal_rows = []
    scene.signals(1, "2026-01-08", 0, 0, -1, -1)
    scene.run("2026-01-17T00:20")
    # The row of the 11th was no call before, and is none now.
    assert scene.rows("select moment_at, is_flattering from marts.restatement where timeframe = '1d' order by all") == [
        (day("10"), False),
        (day("11"), None),
    ]


def test_a_change_before_anything_was_judged_neither_flatters_nor_does_not(scene: Scene) -> None:
    moving(1, scene, 9)
    scene.signals(1, "2026-01-08", 0, 0, 1)
    scene.take("2026-01-11T00:20")
    scene.signal_rows = []
    scene.signals(1, "2026-01-08", 0, 0, -1)
    # The 1-bar window over the 11th is over only at the end of the 11th.
    scene.run("2026-01-11T12:00")
    assert scene.rows(KINDS) == [(1, "changed", None)]


def test_a_row_may_go_and_come_back(scene: Scene) -> None:
    scene.bars(1, "2026-01-01", flat(10))
    for moment, second in (("04", 1), ("05", None), ("06", None), ("07", 1), ("08", None)):
        scene.signal_rows = []
        scene.signals(1, "2026-01-01", 0, second, 0)
        (scene.run if moment == "08" else scene.take)(f"2026-01-{moment}T00:20")
    assert scene.rows(GONE) == [(1, day("02"), False), (1, day("02"), True), (1, day("02"), False)]
    assert scene.rows("select kind, changed_at from marts.restatement where timeframe = '1d' order by all") == [
        ("vanished", day("05T00:20")),
        ("vanished", day("08T00:20")),
    ]


def test_the_newest_row_is_missed_where_others_go_on(scene: Scene) -> None:
    scene.bars(1, "2026-01-01", flat(10))
    scene.bars(2, "2026-01-01", flat(10))
    scene.signals(1, "2026-01-01", 0, 1)
    scene.signals(2, "2026-01-01", 0, 0)
    scene.take("2026-01-03T00:20")
    scene.signal_rows = []
    scene.signals(1, "2026-01-01", 0)
    scene.signals(2, "2026-01-01", 0, 0, 0)
    scene.take("2026-01-04T00:20")
    assert scene.rows(GONE) == [(1, day("02"), False)]


def test_what_a_delivery_does_not_span_has_not_vanished(scene: Scene) -> None:
    """The vendor keeps two days, drops token 2 from its list, and an open bar it had shown is gone."""
    for token_id in (1, 2):
        scene.bars(token_id, "2026-01-01", flat(10))
        scene.signals(token_id, "2026-01-01", 0, 1, 0, 1)
    scene.take("2026-01-04T12:00")
    scene.signal_rows = []
    scene.signal(1, "2026-01-03", 0)
    scene.signal(1, "2026-01-05", 0)
    scene.take("2026-01-06T00:20")
    assert scene.rows("from ops.vanished where timeframe = '1d'") == []


def test_a_row_that_cannot_be_read_may_be_the_missing_one(scene: Scene) -> None:
    scene.bars(1, "2026-01-01", flat(10))
    scene.signals(1, "2026-01-01", 0, 1, 0)
    scene.take("2026-01-04T00:20")
    scene.signal_rows = []
    scene.signals(1, "2026-01-01", 0, None, 0)
    scene.signal_rows.append(("v", 1, "1d", None, 1, *[None] * (len(SIGNAL_COLUMNS) - 5)))
    scene.take("2026-01-05T00:20")
    assert scene.rows("from ops.vanished where timeframe = '1d'") == []


def test_a_row_of_a_day_that_nobody_had_looked_at_did_not_appear(scene: Scene) -> None:
    """Late by two days, but no look had been taken in between; and a longer history is no insertion."""
    scene.bars(1, "2026-01-01", flat(10))
    scene.signals(1, "2026-01-03", 0, 1)
    scene.take("2026-01-05T00:20")
    scene.signal_rows = []
    scene.signals(1, "2026-01-01", 0, 1, 0, 1, 0, 1, 0)
    scene.run("2026-01-08T00:20")
    assert scene.rows("from marts.restatement where timeframe = '1d'") == []


def test_how_much_was_looked_at_is_reported(scene: Scene) -> None:
    scene.bars(1, "2026-01-01", flat(10))
    scene.signals(1, "2026-01-01", 0, 1, 0)
    scene.take("2026-01-03T12:00")
    assert scene.rows(
        "select dataset, vendor, timeframe, read_from, read_to, n_tokens, n_rows, n_past, n_vanished from ops.reread "
        "where timeframe = '1d' "
        "order by dataset"
    ) == [
        ("prices", None, "1d", day("01"), day("01"), 1, 1, 1, 0),
        ("signals", "v", "1d", day("01"), day("03"), 1, 3, 1, 0),
    ]
    # The same bytes again: looked at, and nothing more.
    scene.take("2026-01-09T12:00")
    newest = "select dataset, as_of, n_rows from ops.reread where timeframe = '1d' order by as_of, dataset"
    assert scene.rows(newest)[-1] == (
        "signals",
        datetime(2026, 1, 9, 12),
        3,
    )
