"""One price source per token: of two that begin together, the one that goes on."""

import pandas as pd

from tests.warehouse.scene import Scene, flat


def deliver(scene: Scene, source: str | None, last: str, as_of: str) -> None:
    """All bars of token 1 from the first of January to a day, under one source's name."""
    scene.bar_rows.clear()
    scene.bars(1, "2026-01-01", *[flat(10)] * pd.Timestamp(last).day)
    scene.run(as_of, price_source=source)


def test_history_delivered_again_under_another_name_goes_on(scene: Scene) -> None:
    """The column was empty, and is filled from one night on: the bars without a name end, the token does not."""
    scene.signals(1, "2026-01-07", 0, 1)
    deliver(scene, None, "2026-01-10", "2026-01-11T00:20")
    deliver(scene, "spot", "2026-01-15", "2026-01-16T00:20")
    assert scene.rows(
        "select price_source, max(bar_start)::varchar from work.price_source "
        "inner join work.spine_bar using (timeframe, token_id) group by all"
    ) == [("spot", "2026-01-15 00:00:00")]


def test_a_source_that_is_a_night_late_is_not_given_up(scene: Scene) -> None:
    deliver(scene, None, "2026-01-10", "2026-01-11T00:20")
    deliver(scene, "spot", "2026-01-12", "2026-01-13T00:20")
    assert scene.rows("select price_source from work.price_source where timeframe = '1d'") == [("",)]
