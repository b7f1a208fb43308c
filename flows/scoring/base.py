"""Base windows of many groups on a regular grid of entries, with prefix sums: any span is summed in one step."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Counts = Ints | NDArray[np.bool_]

# Rows of a series: long hits, short hits, windows.
LONG, SHORT, WINDOWS = 0, 1, 2


@dataclass(frozen=True)
class Series:
    """Counts per group and grid step: shape (3, total), groups one after another, each from its own first step.

    `first` and `offset` give, per group, the grid step of its first column and where that column stands.
    """

    counts: Counts
    first: Ints
    length: Ints

    @cached_property
    def offset(self) -> Ints:
        return np.concatenate([[0], np.cumsum(self.length)[:-1]]) if len(self.length) else self.length

    @cached_property
    def _prefix(self) -> Ints:
        sums = np.zeros((3, self.counts.shape[1] + 1), dtype=np.int64)
        np.cumsum(self.counts, axis=1, out=sums[:, 1:])
        return sums

    def sums(self, group: Ints, low: Ints, high: Ints) -> Ints:
        """Sum over the grid steps low..high (both included) of each group named; shape (3, len(group))."""
        first, length, offset = self.first[group], self.length[group], self.offset[group]
        start = np.clip(low - first, 0, length)
        end = np.clip(high - first + 1, start, length)
        return np.asarray(self._prefix.take(offset + end, axis=1) - self._prefix.take(offset + start, axis=1))

    def blocks(self, width: int) -> "Blocks":
        """The same series gathered into blocks of `width` grid steps, counted from grid step 0."""
        if width == 1:
            return Blocks(self.counts.astype(np.float64), self.first, self.length, self.offset)
        first = self.first // width
        length = np.where(self.length > 0, (self.first + self.length - 1) // width - first + 1, 0)
        group = np.repeat(np.arange(len(first)), length)
        start = np.concatenate([[0], np.cumsum(length)[:-1]]) if len(length) else length
        block = np.arange(len(group)) - start[group] + first[group]
        counts = self.sums(group, block * width, (block + 1) * width - 1)
        return Blocks(counts.astype(np.float64), first, length, start)


@dataclass(frozen=True)
class Blocks:
    """Counts per group and block, and prefix sums of their products: a sum of squares over a span in one step."""

    counts: Floats
    first: Ints
    length: Ints
    offset: Ints

    def squares(self, group: Ints, low: Ints, high: Ints, weights: Floats) -> Floats:
        """Sum over the blocks low..high of (weights . counts)^2; `weights` has shape (3, len(group))."""
        return self._between(self._squared, group, low, high, weights, reach=0)

    def neighbours(self, group: Ints, low: Ints, high: Ints, weights: Floats) -> Floats:
        """Sum over the blocks b in low..high-1 of (weights . counts_b) (weights . counts_b+1)."""
        return self._between(self._paired, group, low, high - 1, weights, reach=1)

    def _between(self, prefix: Floats, group: Ints, low: Ints, high: Ints, weights: Floats, reach: int) -> Floats:
        first, offset = self.first[group], self.offset[group]
        length = np.maximum(self.length[group] - reach, 0)
        start = np.clip(low - first, 0, length)
        end = np.clip(high - first + 1, start, length)
        sums = prefix.take(offset + end, axis=1) - prefix.take(offset + start, axis=1)
        mixed = np.stack([weights[i] * weights[j] for i, j in _PAIRS])
        return np.asarray((sums * mixed).sum(axis=0))

    @cached_property
    def _squared(self) -> Floats:
        return _summed_products(self.counts, self.counts)

    @cached_property
    def _paired(self) -> Floats:
        # The product of a group's last block with the next group's first stands between the groups; no span reaches it.
        return _summed_products(self.counts, np.roll(self.counts, -1, axis=1))


_PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))


def _summed_products(a: Floats, b: Floats) -> Floats:
    """Prefix sums of what (w . a) (w . b) is made of: a_i b_i, and a_i b_j + a_j b_i for i < j; shape (6, n + 1)."""
    sums = np.zeros((len(_PAIRS), a.shape[1] + 1))
    for row, (i, j) in zip(sums, _PAIRS, strict=True):
        np.cumsum(a[i] * b[j] + a[j] * b[i] if i != j else a[i] * b[i], out=row[1:])
    return sums
