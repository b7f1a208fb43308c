"""Base windows of many groups on a regular grid of entries, with prefix sums: any span is summed in one step."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

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

    `first` and `offset` give, per group, the grid step of its first column and the index of that column.
    """

    counts: Counts
    first: Ints
    length: Ints

    @cached_property
    def offset(self) -> Ints:
        return np.concatenate([[0], np.cumsum(self.length)[:-1]]) if len(self.length) else self.length

    @cached_property
    def _prefix(self) -> NDArray[np.int32] | Ints:
        # A sum of flags is at most their number, which fits into 32 bits and thus half the memory.
        sums = np.zeros((3, self.counts.shape[1] + 1), np.int32 if self.counts.dtype == np.bool_ else np.int64)
        np.cumsum(self.counts, axis=1, dtype=sums.dtype, out=sums[:, 1:])
        return sums

    def sums(self, group: Ints, low: Ints, high: Ints) -> Ints:
        """Sum over the grid steps low..high (both included) of each group named; shape (3, len(group))."""
        first, length, offset = self.first[group], self.length[group], self.offset[group]
        start = np.clip(low - first, 0, length)
        end = np.clip(high - first + 1, start, length)
        upper, lower = self._prefix.take(offset + end, axis=1), self._prefix.take(offset + start, axis=1)
        return np.asarray(np.subtract(upper, lower, dtype=np.int64))


# Columns of a table by name.
Columns = dict[str, NDArray[Any]]

# The key of a group, such as the id of a vendor and a sector or token.
Group = tuple[object, object]


@dataclass(frozen=True)
class Base:
    """Base windows of some groups, of one timeframe and horizon: the covered tokens', and all priced tokens'."""

    groups: dict[Group, int]
    covered: Series
    priced: Series
