"""The stored truth of the bundled market: `truth.csv`, written by `python -m flows.sources.sample.truth`."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from pyarrow import csv

TRUTH_FILE = Path(__file__).with_name("truth.csv")


def truth() -> pa.Table:
    """The true skill planted in `SAMPLE`, per sector (or `all`), direction, timeframe, horizon, entry rule.

    Rates and edges are fractions; `*_se` are the standard errors of their simulation. Costs: 20 bps. Only the calls
    as first published count, because the vendor's later versions flatter it.
    """
    return csv.read_csv(TRUTH_FILE)
