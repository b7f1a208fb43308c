"""A night that only brings calls without an outcome counts them and lets stand what was inferred from the others."""

from tests.warehouse.scene import Scene, flat

CARDS = (
    "select direction, entry_rule, provenance, n_calls, n_open, hit_rate, n_clusters, base_rate, timing_edge "
    "from marts.token_scorecard where timeframe = '1d' and token_id = 1 and horizon = 1 order by all"
)


def test_a_card_is_inferred_anew_where_a_scored_call_changed(scene: Scene) -> None:
    scene.seasoned(1, "2026-01-08", *[(10 + n, 12 + n, 9 + n, 11 + n) for n in range(4)])
    scene.seasoned(2, "2026-01-08", *[flat(10)] * 4)
    for token_id in (1, 2):
        scene.signals(token_id, "2026-01-07", 0, 1, -1, 0)
    scene.run("2026-01-12T00:20")
    before = scene.rows(CARDS)
    # The bar that the call of the 11th enters on is not there yet.
    scene.signal(1, "2026-01-11", 1)
    assert not scene.run("2026-01-12T01:20").is_full
    scope = "select is_rescored from temp.card_scope where timeframe = '1d' and token_id = 1 and horizon = 1"
    assert scene.rows(scope) == [(False,)]
    waiting = scene.rows(CARDS)

    def inferred(cards: list[tuple[object, ...]]) -> dict[tuple[object, ...], tuple[object, ...]]:
        return {card[:3]: card[5:] for card in cards if card[3]}

    assert inferred(waiting) == inferred(before)
    assert sum(card[4] for card in waiting) > sum(card[4] for card in before)
    scene.bars(1, "2026-01-12", (14, 15, 13, 15))
    scene.bars(2, "2026-01-12", flat(10))
    assert not scene.run("2026-01-13T00:20").is_full
    assert scene.rows(scope) == [(True,)]
    assert inferred(scene.rows(CARDS)) != inferred(waiting)
