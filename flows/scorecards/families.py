"""Comparisons of the cells of a scorecard with each other: q values, and rates drawn towards their family's mean."""

import duckdb
import numpy as np
import pyarrow as pa

from flows.scorecards.cells import as_table, fetch
from flows.scorecards.measures import Measures
from flows.scoring import inference


def comparisons(connection: duckdb.DuckDBPyConnection, measures: Measures, members: str) -> pa.Table:
    """What each card gets from being compared with its family, by `card_id`.

    The table `members` holds the cards with scored outcomes. `q_family` and `shrink_family` number the families; tests
    count where `is_leaf`, and rates are shrunk where `is_group`.
    """
    # Always in the same order, because a sum of floats over a family depends on it.
    cards = fetch(connection, f"from {members} order by group_key")
    is_tested = (
        cards["is_leaf"]
        & (cards["n_calls"] >= inference.MIN_CALLS_FOR_Q)
        & (cards["n_clusters"] >= inference.MIN_CLUSTERS)
    )
    compared = {"card_id": cards["card_id"]}
    for measure in measures.compared:
        values = cards[measure.of]
        if measure.statistic == "q":
            tested = np.where(is_tested, values, np.nan)
            compared[measure.name] = inference.benjamini_hochberg(tested, cards["q_family"])
        else:
            compared[measure.name] = inference.shrink(
                values, cards["n_effective"], cards["shrink_family"], cards["is_group"]
            )
    return as_table(compared)
