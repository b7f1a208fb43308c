"""What takes inference in the cells, and what comparing them adds: sectors and tokens of the small market."""

from tests.warehouse.scene import Scene


def test_cells_that_take_inference(second_night: Scene) -> None:
    second_night.expect(
        "temp.sector_inference_cell",
        "timeframe, horizon, n_calls, n_bullish, hit_rate, mean_base_hit, selection_edge, excess_return",
        ("1d", 1, 5, 2, 0.2, 7 / 15, -4 / 15, -0.04),
        where=(
            "cell_id = (select cell_id from temp.sector_cell where vendor = 'v' and sector = 'all' and "
            "timeframe = '1d' and horizon = 1 and direction = 'both' and provenance = 'all' and "
            "entry_rule = 'next_open')"
        ),
    )
    second_night.expect(
        "temp.sector_inference_cell",
        "timeframe, horizon, n_calls, n_bullish, hit_rate, mean_base_hit, selection_edge, excess_return",
        ("1h", 1, 2, 1, 1.0, None, None, None),
        where=(
            "cell_id = (select cell_id from temp.sector_cell where vendor = 'v' and sector = 'all' and "
            "timeframe = '1h' and horizon = 1 and direction = 'both' and provenance = 'all' and "
            "entry_rule = 'next_open')"
        ),
    )
    second_night.expect(
        "temp.token_inference_cell",
        "timeframe, horizon, n_calls, n_bullish, hit_rate, mean_base_hit, selection_edge, excess_return",
        ("1d", 1, 2, 1, 0.0, 2 / 3, -2 / 3, -1 / 15),
        where=(
            "cell_id = (select cell_id from temp.token_cell where vendor = 'v' and token_id = 3 and "
            "timeframe = '1d' and horizon = 1 and direction = 'both' and provenance = 'all' and "
            "entry_rule = 'next_open')"
        ),
    )


def test_windows_of_tokens_as_flags(second_night: Scene) -> None:
    second_night.expect(
        "temp.token_base",
        "timeframe, is_covered, flags",
        ("1h", True, 3),
        ("1h", True, 51),
        ("1h", True, 53),
        ("1h", True, 53),
        ("1h", True, 81),
        where="timeframe = '1h' and flags <> 136",
    )


def test_inference_of_sectors(second_night: Scene) -> None:
    """Of 14 windows entered from the 9th to the 11th 8 would have been hits long, 2 short: (2 x 8 + 3 x 2) / 14 / 5."""
    second_night.expect(
        "temp.sector_inference",
        "base_rate, coverage_edge, edge, timing_edge, n_clusters, n_effective, hit_rate_low, "
        "hit_rate_high, is_reportable",
        (11 / 35, 0.0, -4 / 35, 16 / 105, 2, 5.0, 0.0012251620338007974, 0.9807511518287935, False),
        where=(
            "cell_id = (select cell_id from temp.sector_cell where vendor = 'v' and sector = 'all' and "
            "timeframe = '1d' and horizon = 1 and direction = 'both' and provenance = 'all' and "
            "entry_rule = 'next_open')"
        ),
    )
    second_night.expect(
        "temp.sector_inference",
        "selection_low, selection_high, selection_p, edge_low, edge_high, edge_p, excess_low, excess_high",
        (
            -1.6219951718586336,
            1.0886618385253004,
            0.2422378831816868,
            -0.6432787277917624,
            0.41470729922033395,
            0.22239955114314078,
            -0.17553285051919842,
            0.09553285051919841,
        ),
        where=(
            "cell_id = (select cell_id from temp.sector_cell where vendor = 'v' and sector = 'all' and "
            "timeframe = '1d' and horizon = 1 and direction = 'both' and provenance = 'all' and "
            "entry_rule = 'next_open')"
        ),
    )
    second_night.expect(
        "temp.sector_inference",
        "base_rate, coverage_edge, edge, timing_edge, n_clusters, n_effective, hit_rate_low, "
        "hit_rate_high, is_reportable",
        (0.375, 0.0, 0.625, None, 1, 1.0, None, None, False),
        where=(
            "cell_id = (select cell_id from temp.sector_cell where vendor = 'v' and sector = 'all' and "
            "timeframe = '1h' and horizon = 1 and direction = 'both' and provenance = 'all' and "
            "entry_rule = 'next_open')"
        ),
    )


def test_inference_of_tokens(second_night: Scene) -> None:
    """Its own windows of the 9th and 10th: none hit long, one of the two short."""
    second_night.expect(
        "temp.token_inference",
        "base_rate, coverage_edge, edge, timing_edge, n_clusters, n_effective, hit_rate_low, "
        "hit_rate_high, is_reportable",
        (0.25, 0.0, -0.25, 5 / 12, 1, 1.0, None, None, False),
        where=(
            "cell_id = (select cell_id from temp.token_cell where vendor = 'v' and token_id = 3 and "
            "timeframe = '1d' and horizon = 1 and direction = 'both' and provenance = 'all' and "
            "entry_rule = 'next_open')"
        ),
    )


def test_cards_of_sectors(second_night: Scene) -> None:
    second_night.expect(
        "temp.sector_card",
        "vendor, timeframe, direction, n_calls, n_tokens, hit_rate, base_rate, edge, n_matched, "
        "timing_edge, n_clusters, mean_return, median_return, is_reportable",
        ("v", "1d", "bearish", 3, 3, 0.0, 1 / 7, -1 / 7, 3, 5 / 63, 2, -103 / 1500, -0.102, False),
        ("v", "1d", "both", 5, 3, 0.2, 11 / 35, -4 / 35, 5, 16 / 105, 2, -0.032, -0.052, False),
        ("v", "1d", "bullish", 2, 2, 0.5, 0.75, -0.25, 2, 1 / 12, 1, 0.023, 0.023, False),
        ("v", "1h", "bearish", 1, 1, 1.0, 0.5, 0.5, 0, None, 1, 1 / 11 - 0.002, 1 / 11 - 0.002, False),
        ("v", "1h", "both", 2, 1, 1.0, 0.375, 0.625, 0, None, 1, 31 / 198 - 0.002, 31 / 198 - 0.002, False),
        ("v", "1h", "bullish", 1, 1, 1.0, 0.5, 0.5, 0, None, 1, 2 / 9 - 0.002, 2 / 9 - 0.002, False),
        ("w", "1d", "bearish", 1, 1, 0.0, 0.0, 0.0, 0, None, 1, -0.102, -0.102, False),
        ("w", "1d", "both", 2, 2, 0.5, 0.5, 0.0, 0, None, 1, -0.002, -0.002, False),
        ("w", "1d", "bullish", 1, 1, 1.0, 1.0, 0.0, 0, None, 1, 0.098, 0.098, False),
        ("w", "1h", "bearish", 1, 1, 0.0, 0.0, 0.0, 0, None, 1, -2 / 9 - 0.002, -2 / 9 - 0.002, False),
        ("w", "1h", "both", 1, 1, 0.0, 0.0, 0.0, 0, None, 1, -2 / 9 - 0.002, -2 / 9 - 0.002, False),
        where="sector = 'all' and horizon = 1 and entry_rule = 'next_open' and provenance = 'all'",
    )
    second_night.expect(
        "marts.signal_scorecard",
        "vendor, timeframe, direction, n_calls, n_tokens, hit_rate, base_rate, edge, n_matched, "
        "timing_edge, n_clusters, mean_return, median_return, is_reportable",
        ("v", "1d", "bearish", 3, 3, 0.0, 1 / 7, -1 / 7, 3, 5 / 63, 2, -103 / 1500, -0.102, False),
        ("v", "1d", "both", 5, 3, 0.2, 11 / 35, -4 / 35, 5, 16 / 105, 2, -0.032, -0.052, False),
        ("v", "1d", "bullish", 2, 2, 0.5, 0.75, -0.25, 2, 1 / 12, 1, 0.023, 0.023, False),
        ("v", "1h", "bearish", 1, 1, 1.0, 0.5, 0.5, 0, None, 1, 1 / 11 - 0.002, 1 / 11 - 0.002, False),
        ("v", "1h", "both", 2, 1, 1.0, 0.375, 0.625, 0, None, 1, 31 / 198 - 0.002, 31 / 198 - 0.002, False),
        ("v", "1h", "bullish", 1, 1, 1.0, 0.5, 0.5, 0, None, 1, 2 / 9 - 0.002, 2 / 9 - 0.002, False),
        ("w", "1d", "bearish", 1, 1, 0.0, 0.0, 0.0, 0, None, 1, -0.102, -0.102, False),
        ("w", "1d", "both", 2, 2, 0.5, 0.5, 0.0, 0, None, 1, -0.002, -0.002, False),
        ("w", "1d", "bullish", 1, 1, 1.0, 1.0, 0.0, 0, None, 1, 0.098, 0.098, False),
        ("w", "1h", "bearish", 1, 1, 0.0, 0.0, 0.0, 0, None, 1, -2 / 9 - 0.002, -2 / 9 - 0.002, False),
        ("w", "1h", "both", 1, 1, 0.0, 0.0, 0.0, 0, None, 1, -2 / 9 - 0.002, -2 / 9 - 0.002, False),
        where="sector = 'all' and horizon = 1 and entry_rule = 'next_open' and provenance = 'all'",
    )


def test_cards_of_tokens(second_night: Scene) -> None:
    second_night.expect(
        "work.token_card",
        "vendor, token_id, timeframe, direction, n_calls, n_tokens, hit_rate, base_rate, edge, n_matched,"
        " timing_edge, n_clusters, is_reportable",
        ("v", 1, "1d", "bearish", 1, 1, 0.0, 0.0, 0.0, 1, 0.0, 1, False),
        ("v", 1, "1d", "both", 2, 1, 0.5, 0.5, 0.0, 2, -1 / 6, 2, False),
        ("v", 1, "1d", "bullish", 1, 1, 1.0, 1.0, 0.0, 1, -1 / 3, 1, False),
        ("v", 1, "1h", "bearish", 1, 1, 1.0, 1.0, 0.0, 0, None, 1, False),
        ("v", 1, "1h", "both", 2, 1, 1.0, 0.5, 0.5, 0, None, 1, False),
        ("v", 1, "1h", "bullish", 1, 1, 1.0, 1.0, 0.0, 0, None, 1, False),
        ("v", 3, "1d", "bearish", 1, 1, 0.0, 0.0, 0.0, 1, 1 / 3, 1, False),
        ("v", 3, "1d", "both", 2, 1, 0.0, 0.25, -0.25, 2, 5 / 12, 1, False),
        ("v", 3, "1d", "bullish", 1, 1, 0.0, 0.0, 0.0, 1, 1.0, 1, False),
        ("w", 1, "1d", "bearish", 1, 1, 0.0, 0.0, 0.0, 0, None, 1, False),
        ("w", 1, "1d", "both", 1, 1, 0.0, 0.0, 0.0, 0, None, 1, False),
        ("w", 1, "1h", "bearish", 1, 1, 0.0, 0.0, 0.0, 0, None, 1, False),
        ("w", 1, "1h", "both", 1, 1, 0.0, 0.0, 0.0, 0, None, 1, False),
        where="token_id in (1, 3) and horizon = 1 and entry_rule = 'next_open' and provenance = 'all'",
    )
    second_night.expect(
        "marts.token_scorecard",
        "vendor, token_id, symbol, timeframe, direction, n_calls, n_tokens, hit_rate, base_rate, edge, "
        "n_matched, timing_edge, n_clusters, is_reportable",
        ("v", 1, "ONE", "1d", "bearish", 1, 1, 0.0, 0.0, 0.0, 1, 0.0, 1, False),
        ("v", 1, "ONE", "1d", "both", 2, 1, 0.5, 0.5, 0.0, 2, -1 / 6, 2, False),
        ("v", 1, "ONE", "1d", "bullish", 1, 1, 1.0, 1.0, 0.0, 1, -1 / 3, 1, False),
        ("v", 1, "ONE", "1h", "bearish", 1, 1, 1.0, 1.0, 0.0, 0, None, 1, False),
        ("v", 1, "ONE", "1h", "both", 2, 1, 1.0, 0.5, 0.5, 0, None, 1, False),
        ("v", 1, "ONE", "1h", "bullish", 1, 1, 1.0, 1.0, 0.0, 0, None, 1, False),
        ("v", 3, "THREE", "1d", "bearish", 1, 1, 0.0, 0.0, 0.0, 1, 1 / 3, 1, False),
        ("v", 3, "THREE", "1d", "both", 2, 1, 0.0, 0.25, -0.25, 2, 5 / 12, 1, False),
        ("v", 3, "THREE", "1d", "bullish", 1, 1, 0.0, 0.0, 0.0, 1, 1.0, 1, False),
        ("w", 1, "ONE", "1d", "bearish", 1, 1, 0.0, 0.0, 0.0, 0, None, 1, False),
        ("w", 1, "ONE", "1d", "both", 1, 1, 0.0, 0.0, 0.0, 0, None, 1, False),
        ("w", 1, "ONE", "1h", "bearish", 1, 1, 0.0, 0.0, 0.0, 0, None, 1, False),
        ("w", 1, "ONE", "1h", "both", 1, 1, 0.0, 0.0, 0.0, 0, None, 1, False),
        where="token_id in (1, 3) and horizon = 1 and entry_rule = 'next_open' and provenance = 'all'",
    )


def test_members_of_token_families(second_night: Scene) -> None:
    second_night.expect(
        "temp.token_family",
        "n_calls, n_clusters, hit_rate, n_effective, is_group, is_leaf",
        (2, 1, 0.0, 1.0, True, False),
        where=(
            "card_id = (select rowid from work.token_card where vendor = 'v' and token_id = 3 and "
            "timeframe = '1d' and horizon = 1 and direction = 'both' and provenance = 'all' and "
            "entry_rule = 'next_open')"
        ),
    )


def test_members_of_families(second_night: Scene) -> None:
    second_night.expect(
        "temp.sector_family",
        "n_calls, n_clusters, hit_rate, n_effective, selection_p, edge_p, is_group, is_leaf",
        (5, 2, 0.2, 5.0, 0.2422378831816868, 0.22239955114314078, False, False),
        where=(
            "card_id = (select cell_id from temp.sector_cell where vendor = 'v' and sector = 'all' and "
            "timeframe = '1d' and horizon = 1 and direction = 'both' and provenance = 'all' and "
            "entry_rule = 'next_open')"
        ),
    )
