"""The statistics of section 7 beyond means: V(x), Wilson, t, Benjamini-Hochberg, shrinkage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ZERO = 1e-13  # a standard error below this share of the largest |x| is rounding noise: V is 0

CANCELLED = 1e-14


@dataclass(frozen=True)
class Blocks:
    """Blocks of width w = h and w = 2h bars over a set of entry moments (microseconds)."""

    width: int  # h bars in microseconds
    entry_at: Ints

    def numbers(self, factor: int) -> Ints:
        """floor(epoch / (factor x h x timeframe)) of every entry."""
        return self.entry_at // (factor * self.width)

    def count(self, factor: int) -> int:
        """How many distinct blocks: B1 for factor 1, B2 for factor 2."""
        return len(np.unique(self.numbers(factor)))


def block_sums(numbers: Ints, values: Floats, first: int, length: int) -> Floats:
    """Sums per block on the dense row of blocks first, first + 1, …; blocks without entries hold 0."""
    return np.bincount(numbers - first, weights=values, minlength=length)


def clustered_variance(u1: Floats, u2: Floats, b1: int, b2: int) -> float:
    """max(V1, V2) from dense block sums that are already divided by n; NaN for B2 < 2."""
    if b2 < 2:
        return float("nan")
    squares, neighbours = np.dot(u1, u1), np.dot(u1[:-1], u1[1:])
    # Neighbouring blocks may cancel the squares exactly (x = -2/3, 0, 2/3 in three blocks), which leaves only rounding.
    of_both = squares + 2 * neighbours
    v1 = (0.0 if abs(of_both) <= CANCELLED * squares else of_both) * b1 / (b1 - 1)
    v2 = np.dot(u2, u2) * b2 / (b2 - 1)
    return float(max(v1, v2))


def variance_of_mean(x: Floats, blocks: Blocks) -> float:
    """V(x)."""
    n = len(x)
    if n == 0:
        return float("nan")
    centred = x - x.mean()
    u1, u2 = (_dense_sums(blocks.numbers(f), centred) / n for f in (1, 2))
    variance = clustered_variance(u1, u2, blocks.count(1), blocks.count(2))
    return 0.0 if variance <= (ZERO * np.abs(x).max(initial=0.0)) ** 2 else variance


def variance_of_hit_rate(hit: NDArray[np.bool_], blocks: Blocks) -> float:
    """V(hit), with sums in whole numbers so that zero is zero: n u_b = n x hits in b - calls in b x hits."""
    n, total = len(hit), int(hit.sum())
    if n == 0:
        return float("nan")
    centred = (n * hit.astype(np.int64) - total).astype(np.float64)
    u1, u2 = (_dense_sums(blocks.numbers(f), centred) / n / n for f in (1, 2))
    return clustered_variance(u1, u2, blocks.count(1), blocks.count(2))


def _dense_sums(numbers: Ints, values: Floats) -> Floats:
    first = int(numbers.min())
    return block_sums(numbers, values, first, int(numbers.max()) - first + 1)


def n_effective(hit_rate: float, variance: float, n: int, b2: int) -> float:
    """hit_rate (1 - hit_rate) / V(hit), clamped to [1, n], with the three exceptions."""
    if n == 0:
        return float("nan")
    if b2 < 2:
        return 1.0
    if hit_rate in (0.0, 1.0) or variance <= 0:
        return float(min(n, b2))
    return float(min(max(hit_rate * (1 - hit_rate) / variance, 1.0), n))


# --- on columns of cells -----------------------------------------------------------------------------------


def t_quantile(b2: Ints | Floats) -> Floats:
    """Student's t at 97.5 percent with B2 - 1 degrees of freedom; NaN where B2 < 2."""
    df = np.asarray(b2, dtype=np.float64) - 1
    return np.where(df >= 1, stats.t.ppf(0.975, np.maximum(df, 1)), np.nan)


def wilson(p: Floats, n: Floats, z: Floats) -> tuple[Floats, Floats]:
    """Wilson's interval for a share p of n."""
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return centre - half, centre + half


def t_interval(mean: Floats, variance: Floats, b2: Ints | Floats) -> tuple[Floats, Floats, Floats]:
    """low, high and two-sided p; NaN where V is 0 or not defined."""
    error = np.sqrt(np.where(variance > 0, variance, np.nan))
    half = t_quantile(b2) * error
    df = np.maximum(np.asarray(b2, dtype=np.float64) - 1, 1)
    p = 2 * stats.t.sf(np.abs(mean) / error, df)
    return mean - half, mean + half, np.where(np.isnan(half), np.nan, p)


def e_value(p: Floats, b2: Ints | Floats) -> Floats:
    """e of a two-sided p (contract, section 8.7): z its normal score, at most 37; NaN where p is."""
    a = -2 * np.log(0.05)
    rho = (a + np.log(a) + 1) / 52
    z = np.minimum(stats.norm.isf(np.asarray(p) / 2), 37)
    q = np.asarray(b2, dtype=np.float64) * rho
    return np.where(np.isnan(p), np.nan, np.exp(z**2 * q / (2 * (q + 1))) / np.sqrt(q + 1))


def benjamini_hochberg(p: Floats) -> Floats:
    """q values of one family; p values that are NaN do not belong to it and stay NaN."""
    q = np.full(len(p), np.nan)
    members = np.flatnonzero(~np.isnan(p))
    if len(members) == 0:
        return q
    order = members[np.argsort(p[members], kind="stable")]
    m = len(order)
    stepped = p[order] * m / np.arange(1, m + 1)
    q[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0)
    return q


def shrink(p: Floats, w: Floats) -> Floats:
    """hit_rate_shrunk of the cells of one family; NaN with fewer than 3."""
    if len(p) < 3:
        return np.full(len(p), np.nan)
    m = np.sum(w * p) / np.sum(w)
    s2 = m * (1 - m) / w
    tau2 = max(0.0, np.sum(w * (p - m) ** 2) / np.sum(w) - np.mean(p * (1 - p) / w))
    total = tau2 + s2
    return np.where(total > 0, (tau2 * p + s2 * m) / np.where(total > 0, total, 1.0), m)
