"""What takes inference in the cells of a scorecard: base rates, edges, intervals and p values. Pure functions."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from flows.scoring import inference
from flows.scoring.blocks import Blocks, EdgeCells, count_wide_blocks, edge_variance, mean_variance
from flows.scoring.series import LONG, SHORT, WINDOWS, Base, Columns, Floats, Group, Ints, Series


class Interval(NamedTuple):
    """The ends of an interval, and the p and e value of the test, where there is one."""

    low: Floats
    high: Floats
    p: Floats | None = None
    e: Floats | None = None


def infer_cells(
    cells: Columns, blocks: Blocks, base: Base, horizon: int, contrasts: Mapping[str, str]
) -> tuple[Columns, dict[str, Interval]]:
    """What is inferred of cells that each hold calls of their own, and the intervals by what they are of.

    `contrasts` gives, for each mean of differences, the name of the count of calls that went into it. The formulas are
    those of section 7 of the contract.
    """
    n_cells = len(cells["cell_id"])
    n, hit_rate = cells["n_calls"], cells["hit_rate"]

    edges = _edge_cells(cells, base)
    base_rate = _weighted(edges.base_long, edges.base_short, cells)
    priced_long, priced_short = _rates(_span_sums(cells, base, base.priced))

    hit_variance, _ = mean_variance(blocks, "n_hits", "n_calls", n_cells)
    n_clusters = count_wide_blocks(blocks, n_cells)
    n_effective = inference.effective_size(hit_rate, hit_variance, n, n_clusters)
    hit_low, hit_high = inference.wilson_interval(hit_rate, n_effective, inference.t_quantile(n_clusters))

    intervals: dict[str, Interval] = {"hit_rate": Interval(hit_low, hit_high)}
    intervals["edge"] = _tested(edges.edge, *edge_variance(blocks, base.covered, horizon, edges, n_cells))
    for name, size in contrasts.items():
        counted = blocks.of(blocks.sums[size] > 0)
        intervals[name] = _tested(cells[name], *mean_variance(counted, name, size, n_cells))

    found = {
        "base_rate": base_rate,
        "coverage_edge": base_rate - _weighted(priced_long, priced_short, cells),
        "edge": edges.edge,
        "timing_edge": cells["mean_base_hit"] - base_rate,
        "n_clusters": n_clusters,
        "n_effective": n_effective,
        "is_reportable": (n_effective >= inference.MIN_EFFECTIVE) & (n_clusters >= inference.MIN_CLUSTERS),
    }
    return found, intervals


def groups_of(cells: Columns) -> Iterator[Group]:
    """The group of each cell."""
    return zip(cells["vendor_id"].tolist(), cells["group_key"].tolist(), strict=True)


def _tested(mean: Floats, variance: Floats, n_clusters: Ints) -> Interval:
    """The t interval of a mean, and the test of its being 0."""
    low, high, p = inference.t_interval(mean, variance, n_clusters)
    return Interval(low, high, p, inference.e_value(p, n_clusters))


def _edge_cells(cells: Columns, base: Base) -> EdgeCells:
    """Base rates of both directions over each cell's span, and how a base window enters the linearised edge."""
    sums = _span_sums(cells, base, base.covered)
    base_long, base_short = _rates(sums)
    n, n_long = cells["n_calls"], cells["n_bullish"]
    # A direction without calls has no part in the edge, whatever its base rate.
    base_long, base_short = np.where(n_long > 0, base_long, 0), np.where(n_long < n, base_short, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        n_windows = np.where(sums[WINDOWS] > 0, sums[WINDOWS], np.nan)
        weight_long, weight_short = n_long / n / n_windows, (n - n_long) / n / n_windows
    weights = np.stack([weight_long, weight_short, -(weight_long * base_long + weight_short * base_short)])
    return EdgeCells(
        group=_places(cells, base),
        first=cells["first_step"],
        last=cells["last_step"],
        n=n,
        edge=cells["hit_rate"] - _weighted(base_long, base_short, cells),
        base_long=base_long,
        base_short=base_short,
        weights=weights,
    )


def _span_sums(cells: Columns, base: Base, series: Series) -> Ints:
    return series.sums(_places(cells, base), cells["first_step"], cells["last_step"])


def _places(cells: Columns, base: Base) -> Ints:
    """Index of each cell's group in the series; of a group without base windows, that of the empty one at the end."""
    return np.array([base.groups.get(group, len(base.groups)) for group in groups_of(cells)], dtype=np.int64)


def _rates(sums: Ints) -> tuple[Floats, Floats]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums[LONG] / sums[WINDOWS], sums[SHORT] / sums[WINDOWS]


def _weighted(rate_long: Floats, rate_short: Floats, cells: Columns) -> Floats:
    """The two directions' rates, weighted by the cell's own scored calls."""
    n, n_long = cells["n_calls"], cells["n_bullish"]
    of_long = np.where(n_long > 0, n_long * rate_long, 0)
    of_short = np.where(n_long < n, (n - n_long) * rate_short, 0)
    return np.asarray((of_long + of_short) / n)
