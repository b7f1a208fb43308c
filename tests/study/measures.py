"""What the study measures on scored panels: how often tests fire, how often intervals cover, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

LEVEL = 0.05
Z = 1.959963984540054

# A test is of these cells: leaves that enter the contract's families of q values.
MIN_CALLS, MIN_CLUSTERS = 30, 10


@dataclass(frozen=True)
class Share:
    """A share of cells, and its standard error: the cells of one panel are one draw, not many."""

    value: float
    error: float
    n: int

    def is_within(self, low: float, high: float, errors: float = 3) -> bool:
        """Whether the true share can lie between the two, this many standard errors allowed."""
        return low - errors * self.error <= self.value <= high + errors * self.error

    def __str__(self) -> str:
        if not self.n:
            return "-"
        return f"{100 * self.value:.1f} ± {100 * self.error:.1f}"


def share(is_so: pd.Series, seed: pd.Series) -> Share:
    """The share of cells of which something is so, with its standard error between seeds.

    Panels of several settings with one seed share their shocks, so they count as one draw.
    """
    sums = is_so.astype(float).groupby(seed).agg(["sum", "size"])
    n, n_seeds = int(sums["size"].sum()), len(sums)
    if not n:
        return Share(math.nan, math.nan, 0)
    value = float(sums["sum"].sum() / n)
    spread = sums["sum"] - value * sums["size"]
    error = math.sqrt((spread**2).sum() * n_seeds / (n_seeds - 1)) / n if n_seeds > 1 else math.nan
    return Share(value, error, n)


def tested(cells: pd.DataFrame) -> pd.DataFrame:
    """Leaf cells with enough calls and clusters to be tested."""
    is_leaf = (cells["sector"] != "all") & (cells["direction"] != "both")
    return cells[is_leaf & (cells["n_calls"] >= MIN_CALLS) & (cells["n_clusters"] >= MIN_CLUSTERS)]


def fires(cells: pd.DataFrame, p: str) -> Share:
    """How often the test whose p value is in column `p` finds something, over the tested leaf cells."""
    taken = tested(cells)
    return share(taken[p] < LEVEL, taken["seed"])


def naive_fires(cells: pd.DataFrame) -> Share:
    """The same for the textbook's binomial test against the base rate, which takes calls for independent."""
    taken = tested(cells)
    error = np.sqrt(taken["base_rate"] * (1 - taken["base_rate"]) / taken["n_calls"])
    return share((taken["edge"] / error).abs() > Z, taken["seed"])


def finds(cells: pd.DataFrame, horizon: int) -> Share:
    """How often selection finds a skill in the cell of all sectors and both directions: p < 5 % and the right way."""
    taken = cells[(cells["sector"] == "all") & (cells["direction"] == "both") & (cells["horizon"] == horizon)]
    return share((taken["selection_p"] < LEVEL) & (taken["selection_edge"] > 0), taken["seed"])


def with_truth(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells of one setting with `truth`, their expected hit rate: the mean over all *other* seeds.

    All sectors of a setting are drawn alike, so their cells have one truth together.
    """
    kind = [cells["sector"] == "all", cells["direction"], cells["horizon"]]
    seeds = [*kind, cells["seed"]]
    total, count = (cells.groupby(kind)["hit_rate"].transform(how) for how in ("sum", "count"))
    own_total, own_count = (cells.groupby(seeds)["hit_rate"].transform(how) for how in ("sum", "count"))
    return cells.assign(truth=(total - own_total) / (count - own_count))


def covers(cells: pd.DataFrame) -> Share:
    """How often the product's interval holds the truth."""
    return share(cells["truth"].between(cells["hit_rate_low"], cells["hit_rate_high"]), cells["seed"])


def naive_covers(cells: pd.DataFrame) -> Share:
    """How often Wilson's interval over all calls, as if they were independent, holds the truth."""
    p, n = cells["hit_rate"], cells["n_calls"]
    centre = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    return share(cells["truth"].between(centre - half, centre + half), cells["seed"])
