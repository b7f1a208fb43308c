"""When the history of a token was last read by itself: what counts as read again, and what nobody looked at since."""

from flows.warehouse.build import build
from tests.warehouse.scene import Scene, day, flat


def test_a_token_is_read_again_by_itself(scene: Scene) -> None:
    """The look of the 5th reads the 2nd to the 3rd of token 1, that of the 6th all of token 2, in either timeframe."""
    for token_id in (1, 2, 3):
        scene.bars(token_id, "2026-01-01", flat(10))
        scene.signals(token_id, "2026-01-01", 0, 1, 0)
    scene.take("2026-01-04T00:20")
    for as_of, token_id in (("2026-01-05T00:20", 1), ("2026-01-06T00:20", 2)):
        scene.signals(3, as_of[:10], 0)
        run = scene.take(as_of)
        scene.connection.execute(
            "update ops.reread set read_token_ids = [$token_id] where as_of = $as_of and dataset = 'signals'",
            {"token_id": token_id, "as_of": run.as_of},
        )
    scene.connection.execute(
        "update ops.reread set read_from = '2026-01-02', read_to = '2026-01-03' where read_token_ids = [1]"
    )
    build(scene.connection, scene.settings, as_of=run.as_of, run_id=run.run_id)
    scene.expect(
        "work.last_token_read",
        "dataset, vendor, timeframe, token_id, read_at, read_from, read_to",
        ("signals", "v", "1d", 1, day("05T00:20"), day("02"), day("03")),
        ("signals", "v", "1d", 2, day("06T00:20"), day("01"), day("06")),
        ("signals", "v", "1h", 1, day("05T00:20"), day("02"), day("03")),
        ("signals", "v", "1h", 2, day("06T00:20"), day("01"), day("06")),
    )
    scene.expect(
        "work.last_read",
        "dataset, vendor, timeframe, day, read_at",
        ("signals", "v", "1d", day("01").date(), day("04T00:20")),
        ("signals", "v", "1d", day("02").date(), day("04T00:20")),
        ("signals", "v", "1d", day("03").date(), day("04T00:20")),
        where="timeframe = '1d'",
    )
    scene.expect(
        "temp.reread_row",
        "timeframe, token_id, moment_at",
        ("1d", 1, day("02")),
        ("1d", 1, day("03")),
        ("1d", 2, day("01")),
        ("1d", 2, day("02")),
        ("1d", 2, day("03")),
        where="timeframe = '1d'",
    )
    scene.expect(
        "ops.reread",
        "timeframe, as_of, read_token_ids",
        ("1d", day("04T00:20"), None),
        ("1d", day("05T00:20"), [1]),
        ("1d", day("06T00:20"), [2]),
        where="timeframe = '1d' and dataset = 'signals'",
    )


def test_a_day_is_read_by_the_newest_look_that_covers_it(scene: Scene) -> None:
    """The first look covers the 1st to the 3rd, the second the 3rd and 4th; the hours go with them."""
    scene.bars(1, "2026-01-01", flat(10))
    scene.signals(1, "2026-01-01", 0, 1, 0)
    scene.take("2026-01-04T00:20")
    scene.signal_rows = []
    scene.signals(1, "2026-01-03", 0, 1)
    scene.signal(1, "2026-01-04T05:00", 1, timeframe="1h")
    scene.run("2026-01-05T00:20")
    scene.expect(
        "work.last_read",
        "vendor, timeframe, day, read_at",
        ("v", "1d", day("01").date(), day("04T00:20")),
        ("v", "1d", day("02").date(), day("04T00:20")),
        ("v", "1d", day("03").date(), day("05T00:20")),
        ("v", "1d", day("04").date(), day("05T00:20")),
        ("v", "1h", day("01").date(), day("04T00:20")),
        ("v", "1h", day("02").date(), day("04T00:20")),
        ("v", "1h", day("03").date(), day("05T00:20")),
        ("v", "1h", day("04").date(), day("05T00:20")),
    )
