"""How much may be missing between two bars that belong together (contract, section 3)."""

from __future__ import annotations

from .clock import DAY, WEEK

SEGMENT_GAP = 3 * DAY  # more than this of missing bars ends a segment ...
SEGMENT_GAP_OF_WEEKS = 2 * WEEK  # ... "at `1w`: 2 bars"


def tolerated_gap(step: int) -> int:
    """How much may be missing, in microseconds, between bars of a length."""
    return SEGMENT_GAP_OF_WEEKS if step == WEEK else SEGMENT_GAP
