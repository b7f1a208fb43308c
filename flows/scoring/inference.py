"""Intervals, p and q values and shrinkage, as section 7 of the contract defines them. Pure functions on arrays."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from flows.scoring.series import Floats, Ints

# A variance below this is rounding error and counts as 0: what is left by rounding where sums of fractions cancel is
# smaller, and the variance of real calls is far larger.
NOISE = 1e-16

CONFIDENCE = 0.975

MIN_CALLS_FOR_Q = 30
MIN_CLUSTERS = 10
# A little below 30, so that rounding in the last digit does not turn exactly 30 independent calls into too few.
MIN_EFFECTIVE = 30 - 1e-9
MIN_GROUPS_TO_SHRINK = 3

# e grows without bound; beyond a normal score of 37 it would overflow a double.
FARTHEST_SCORE = 37.0
# The variance of a mixture of effects that is chosen for evidence to be found soonest in about a year of weekly looks
# (contract, section 8.7).
_A = -2 * np.log(0.05)
LOOKS_WEIGHT = float((_A + np.log(_A) + 1) / 52)


def t_quantile(n_clusters: Ints) -> Floats:
    """Student's t at 97.5 percent with n_clusters - 1 degrees of freedom; NaN below 2 clusters."""
    degrees = np.where(n_clusters >= 2, n_clusters - 1, np.nan)
    return np.asarray(stats.t.ppf(CONFIDENCE, degrees))


def effective_size(hit_rate: Floats, variance: Floats, n: Ints, n_clusters: Ints) -> Floats:
    """How many independent calls the n overlapping ones are worth; NaN where there is no call."""
    spread = hit_rate * (1 - hit_rate)
    is_plain = (spread > 0) & (variance > NOISE)
    with np.errstate(divide="ignore", invalid="ignore"):
        worth = np.where(is_plain, np.clip(spread / variance, 1, n), np.minimum(n, n_clusters))
    worth = np.where(n_clusters < 2, 1.0, worth)
    return np.where(n > 0, worth, np.nan)


def wilson_interval(hit_rate: Floats, n_effective: Floats, t: Floats) -> tuple[Floats, Floats]:
    """Wilson's score interval with z replaced by t (Wilson 1927; Korn and Graubard 1998 for the effective size)."""
    t2 = t**2
    centre = (hit_rate + t2 / (2 * n_effective)) / (1 + t2 / n_effective)
    half = t / (1 + t2 / n_effective) * np.sqrt(hit_rate * (1 - hit_rate) / n_effective + t2 / (4 * n_effective**2))
    return centre - half, centre + half


def t_interval(mean: Floats, variance: Floats, n_clusters: Ints) -> tuple[Floats, Floats, Floats]:
    """Interval and two-sided p of a mean whose variance is `variance`; NaN where that is 0 or not defined."""
    error = np.sqrt(np.where(variance > NOISE, variance, np.nan))
    half = t_quantile(n_clusters) * error
    p = np.asarray(2 * stats.t.sf(np.abs(mean / error), np.where(n_clusters >= 2, n_clusters - 1, np.nan)))
    return mean - half, mean + half, p


def e_value(p: Floats, n_clusters: Ints) -> Floats:
    """e values of two-sided p values at n_clusters - 1 degrees of freedom; NaN where p is.

    A p may be looked at once. An e value holds at all looks together: one of 20 is seen at any of them in at most 5
    percent of the cases without an effect (Robbins 1970; Waudby-Smith and others 2024).
    """
    score = np.minimum(-special.ndtri(p / 2), FARTHEST_SCORE)
    precision = n_clusters * LOOKS_WEIGHT
    return np.asarray(np.exp(score**2 * precision / (2 * (precision + 1))) / np.sqrt(precision + 1))


def benjamini_hochberg(p: Floats, family: NDArray[np.int64]) -> Floats:
    """q values (Benjamini and Hochberg 1995) within each family; NaN where p is."""
    q = np.full(len(p), np.nan)
    for members in _members(family, ~np.isnan(p)):
        q[members] = stats.false_discovery_control(p[members], axis=1, method="bh")
    return q


def shrink(rate: Floats, weight: Floats, family: NDArray[np.int64], is_taken: NDArray[np.bool_]) -> Floats:
    """Rates drawn towards their family's mean by how little each is worth (empirical Bayes, normal approximation).

    NaN for what is not taken and in families with fewer than 3 members.
    """
    shrunk = np.full(len(rate), np.nan)
    for members in _members(family, is_taken):
        if members.shape[1] < MIN_GROUPS_TO_SHRINK:
            continue
        p, w = rate[members], weight[members]
        total_weight = w.sum(axis=1, keepdims=True)
        mean = (w * p).sum(axis=1, keepdims=True) / total_weight
        noise = mean * (1 - mean) / w
        spread = (w * (p - mean) ** 2).sum(axis=1, keepdims=True) / total_weight
        between = np.maximum(0.0, spread - (p * (1 - p) / w).mean(axis=1, keepdims=True))
        total = between + noise
        with np.errstate(divide="ignore", invalid="ignore"):
            shrunk[members] = np.where(total > 0, (between * p + noise * mean) / total, mean)
    return shrunk


def _members(family: NDArray[np.int64], is_taken: NDArray[np.bool_]) -> Iterator[NDArray[np.int64]]:
    """Positions of the taken members, a row a family: a matrix for each size that families have.

    Hundreds of vendors have tens of thousands of families, of a few sizes.
    """
    taken = np.flatnonzero(is_taken)
    if not len(taken):
        return
    order = taken[np.argsort(family[taken], kind="stable")]
    starts = np.flatnonzero(np.r_[True, np.diff(family[order]) != 0])
    sizes = np.diff(starts, append=len(order))
    for size in np.unique(sizes):
        yield order[starts[sizes == size][:, None] + np.arange(size)]
