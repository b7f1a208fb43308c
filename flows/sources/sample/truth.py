"""Computes the true edges of the bundled market by simulating it many times; stores them next to this file.

    python -m flows.sources.sample.truth --simulations 400

Every simulation draws the whole of SAMPLE from its own seed, all frictions included: tokens, fates, calls and prices.
The tables and the vendor's later revisions are left out, because the truth is that of revision 0. Each cell pools
its calls over all simulations; standard errors are between simulations.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from flows.sources.sample.market import draw_market
from flows.sources.sample.measure import HORIZONS, Cell, cells
from flows.sources.sample.spec import SAMPLE, MarketSpec
from flows.sources.sample.stored import TRUTH_FILE

_FIRST_SEED = 1_000_000
COLUMNS = (
    "sector", "direction", "timeframe", "horizon", "entry_rule", "hit_rate", "base_rate", "edge", "edge_se",
    "selection_edge", "selection_edge_se", "mean_n_calls", "n_simulations",
)  # fmt: skip


def _pooled(totals: Sequence[float], weights: Sequence[int]) -> tuple[float, float]:
    """Mean over all calls of all simulations, and its standard error between simulations."""
    total, weight = np.array(totals), np.array(weights, dtype=float)
    mean = total.sum() / weight.sum()
    spread = total - mean * weight
    n = weight.size
    error = math.sqrt((spread**2).sum() * n / (n - 1)) / weight.sum() if n > 1 else math.nan
    return float(mean), error


def truth_rows(runs: Iterable[Iterable[Cell]]) -> list[dict[str, object]]:
    """One row per cell, pooled over the simulations in which it has calls."""
    by_key: dict[tuple[object, ...], list[Cell]] = defaultdict(list)
    n_runs = 0
    for run in runs:
        n_runs += 1
        for cell in run:
            by_key[(cell.sector, cell.direction, cell.timeframe, cell.horizon, cell.entry_rule)].append(cell)
    rows: list[dict[str, object]] = []
    for key, found in by_key.items():
        n_calls = [c.n_calls for c in found]
        edge, edge_se = _pooled([c.hits - c.base for c in found], n_calls)
        selection, selection_se = _pooled([c.selection for c in found], [c.n_matched for c in found])
        rates = (_pooled([c.hits for c in found], n_calls)[0], _pooled([c.base for c in found], n_calls)[0])
        values = (*rates, edge, edge_se, selection, selection_se)
        texts = (f"{value:.5f}" for value in values)
        rows.append(dict(zip(COLUMNS, (*key, *texts, f"{sum(n_calls) / n_runs:.1f}", n_runs), strict=True)))
    return rows


def _runs(spec: MarketSpec, n_simulations: int) -> Iterable[list[Cell]]:
    for number in range(n_simulations):
        market = draw_market(spec.with_seed(_FIRST_SEED + number))
        yield [cell for timeframe in HORIZONS for cell in cells(market, timeframe)]


def _write(rows: list[dict[str, object]], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Simulate and store."""
    parser = argparse.ArgumentParser(description="Simulate SAMPLE many times and store the truth found.")
    parser.add_argument("--simulations", type=int, default=400)
    parser.add_argument("--output", type=Path, default=TRUTH_FILE)
    options = parser.parse_args()
    _write(truth_rows(_runs(SAMPLE, options.simulations)), options.output)


if __name__ == "__main__":
    main()
