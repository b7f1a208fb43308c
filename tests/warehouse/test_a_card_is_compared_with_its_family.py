"""Contract, section 7: a hit rate of few calls is drawn towards that of its family, which three sectors make one."""

from tests.warehouse.scene import Scene, flat


def test_a_card_is_compared_with_its_family(scene: Scene) -> None:
    """Three sectors with one call each, of which the first hits: m = 1/3, and s2 = tau2 = 2/9 at n_effective of 1.

    So each is drawn half of the way: (1 + 1/3) / 2 and (0 + 1/3) / 2.
    """
    for token_id, category, close in ((1, "Meme", 11), (2, "GameFi", 9), (3, "Layer 1", 9)):
        scene.token(token_id, categories=category)
        scene.seasoned(token_id, "2026-01-08", flat(10), (10, max(close, 10), min(close, 10), close))
        scene.signals(token_id, "2026-01-07", 0, 1)
    scene.run("2026-01-10T00:20")
    leaf = "timeframe = '1d' and direction = 'bullish' and provenance = 'all' and entry_rule = 'next_open'"
    scene.expect(
        "marts.signal_scorecard",
        "sector, horizon, n_calls, n_effective, hit_rate, hit_rate_shrunk",
        ("Gaming", 1, 1, 1.0, 0.0, 1 / 6),
        ("Layer 1", 1, 1, 1.0, 0.0, 1 / 6),
        ("Meme", 1, 1, 1.0, 1.0, 2 / 3),
        ("all", 1, 3, 1.0, 1 / 3, None),
        where=f"{leaf} and n_calls > 0",
    )
    scene.expect(
        "marts.token_scorecard",
        "token_id, horizon, n_calls, n_effective, hit_rate, hit_rate_shrunk",
        (1, 1, 1, 1.0, 1.0, 2 / 3),
        (2, 1, 1, 1.0, 0.0, 1 / 6),
        (3, 1, 1, 1.0, 0.0, 1 / 6),
        where=f"{leaf} and n_calls > 0",
    )
    scene.expect(
        "temp.sector_comparison",
        "selection_q, edge_q, hit_rate_shrunk",
        (None, None, 1 / 6),
        (None, None, 1 / 6),
        (None, None, 2 / 3),
        where=f"card_id in (select cell_id from temp.sector_cell where {leaf} and sector <> 'all')",
    )
    scene.expect(
        "temp.token_comparison",
        "selection_q, edge_q, hit_rate_shrunk",
        (None, None, 1 / 6),
        (None, None, 1 / 6),
        (None, None, 2 / 3),
        where=f"card_id in (select rowid from work.token_card where {leaf} and n_calls > 0)",
    )
    scene.expect(
        "work.card_comparison",
        "vendor, token_id, timeframe, horizon, direction, provenance, entry_rule, hit_rate_shrunk",
        ("v", 1, "1d", 1, "bullish", "all", "next_open", 2 / 3),
        ("v", 2, "1d", 1, "bullish", "all", "next_open", 1 / 6),
        ("v", 3, "1d", 1, "bullish", "all", "next_open", 1 / 6),
        where=leaf,
    )
