"""Net return and hit of a window in one direction (contract, section 6), exact on ties.

Prices have few decimals, so a move of exactly the cost is common (0.0500 to 0.0501 is 20 bps) and binary
arithmetic puts it on either side of zero. A hit is net_return > 0, so an exact tie is a miss. Prices are
compared, not rounded returns; a case within a tiny margin of the border is decided in exact arithmetic on the
prices' decimals.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

HAIR = 1e-11  # share of the entry price within which exact arithmetic decides instead of floats


def returns_and_hits(
    entry: NDArray[np.float64], exit_: NDArray[np.float64], direction: NDArray[np.int64], cost_bps: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """gross_return, net_return and hit; NaN, NaN and False where there is no exit price."""
    cost = cost_bps / 10_000
    forward_return = exit_ / entry - 1
    gross = np.where(direction > 0, forward_return, -forward_return)
    net = gross - cost
    net = np.where(direction > 0, net, np.maximum(-1.0, net))  # a short loses at most its stake

    margin = direction * (exit_ - entry * (1 + direction * cost))  # > 0 is a hit
    hit = margin > 0
    for i in np.flatnonzero(np.abs(margin) <= HAIR * entry):
        exact = _exact_margin(float(entry[i]), float(exit_[i]), int(direction[i]), cost_bps)
        hit[i] = exact > 0
        if exact == 0:
            net[i] = 0.0  # the definition's value; the float may be 1e-17 to either side
    return gross, net, hit


def _exact_margin(entry: float, exit_: float, direction: int, cost_bps: float) -> Fraction:
    """d (exit - entry (1 + d c)) with the shortest decimals that stand for the floats."""
    cost = Fraction(repr(cost_bps)) / 10_000
    return direction * (Fraction(repr(exit_)) - Fraction(repr(entry)) * (1 + direction * cost))
