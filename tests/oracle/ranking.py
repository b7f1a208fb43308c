"""`vendor_ranking` (contract, sections 8.7 and 9): all vendors in one list, by one correction."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .calls import Coverage
from .funnel import headline

COLUMNS = [
    "n_calls",
    "is_reportable",
    "selection_edge",
    "selection_low",
    "selection_high",
    "selection_p",
    "selection_e",
]


def build_ranking(
    scorecard: pd.DataFrame, coverage_of: dict[tuple[str, str], Coverage], horizons: dict[str, list[int]]
) -> pd.DataFrame:
    """One row a vendor and timeframe that has signals, whether it has calls or not.

    AMBIGUOUS: which timeframe; every one has a row, and the correction is one over them all. An unreportable vendor
    counts in n, and is never marked (its e is taken for 0, which is an e value too).
    """
    pairs = [pair for pair in coverage_of if not pair[0].startswith("baseline/")]
    table = pd.DataFrame(pairs, columns=["vendor", "timeframe"])
    table["horizon"] = [headline(timeframe, horizons) for timeframe in table["timeframe"]]
    pooled = scorecard[
        (scorecard["sector"] == "all") & (scorecard["direction"] == "both") & (scorecard["provenance"] == "all")
    ]
    keys = ["vendor", "timeframe", "horizon"]
    for rule, prefix in (("tradable", ""), ("next_open", "next_open_")):
        card = table[keys].merge(pooled[pooled["entry_rule"] == rule], on=keys, how="left")
        card["n_calls"] = card["n_calls"].fillna(0).astype(np.int64)
        card["is_reportable"] = card["is_reportable"].eq(True)
        card["mark"] = _marks(card)
        for name in (*COLUMNS, "mark"):
            table[prefix + name] = card[name].to_numpy()
    ranked = table["selection_low"].where(table["is_reportable"])
    table["rank"] = ranked.rank(ascending=False, method="min").astype("Int64")
    return table


def _marks(card: pd.DataFrame) -> list[str | None]:
    """e-BH at 0.10: the first k in falling order of e, with the largest k for which e_(k) >= n / (0.10 k)."""
    e = card["selection_e"].to_numpy(dtype=np.float64)
    n = int((~np.isnan(e)).sum())
    counted = np.where(card["is_reportable"], e, 0.0)
    falling = np.sort(counted[~np.isnan(counted)])[::-1]
    reached = [k for k in range(1, len(falling) + 1) if falling[k - 1] >= n / (0.10 * k)]
    least = falling[reached[-1] - 1] if reached else np.inf
    return [
        None if not value >= least else "above" if edge > 0 else "below"
        for value, edge in zip(counted, card["selection_edge"], strict=True)
    ]
