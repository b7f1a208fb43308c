"""The bundled source: a simulated market with planted skill, and its true edges. Nothing is real."""

from __future__ import annotations

import pyarrow as pa

from flows.sources.sample.market import draw_market, price_table
from flows.sources.sample.snapshot import snapshot_at
from flows.sources.sample.spec import (
    NO_FRICTIONS,
    SAMPLE,
    SAMPLE_END,
    VENDOR,
    CallSpec,
    Frictions,
    MarketSpec,
    SectorSpec,
    study_spec,
)
from flows.sources.sample.stored import truth
from flows.sources.sample.tokens import token_table
from flows.sources.sample.vendor import extra_tables, signal_table

__all__ = [
    "NO_FRICTIONS",
    "SAMPLE",
    "SAMPLE_END",
    "VENDOR",
    "CallSpec",
    "Frictions",
    "MarketSpec",
    "SectorSpec",
    "simulate",
    "snapshot_at",
    "study_spec",
    "truth",
]


def simulate(spec: MarketSpec = SAMPLE) -> dict[str, pa.Table]:
    """All datasets of the market: every version of every row, whenever it became known.

    Deterministic in `spec`. `snapshot_at` gives the rows that could be fetched at a moment.
    """
    market = draw_market(spec)
    return {
        "tokens": token_table(spec, market.plan),
        "prices": price_table(market),
        "signals": signal_table(market),
        **extra_tables(market),
    }
