"""How the horizons are made of shorter windows, so that each window is combined from a few, not from all its bars."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """One piece of a window: its number among the pieces, its width and where it starts, in bars."""

    number: int
    width: int
    offset: int


@dataclass(frozen=True)
class Step:
    """A window of `width` closes, made of `parts`; `below` is the width computed just before it."""

    width: int
    parts: tuple[Part, ...]
    below: int


def chain(horizons: Iterable[int]) -> tuple[Step, ...]:
    """Return the steps from single closes to every horizon, shortest first.

    A horizon more than three times as long as the widest window so far is reached over windows of two or three times
    its width, so that each step combines few parts; each part is a shifted column. Horizons are in bars.
    """
    known = [1]
    steps: list[Step] = []
    for horizon in sorted(set(horizons)):
        while known[-1] < horizon:
            width = horizon if horizon <= 3 * known[-1] else _bridge(known[-1], horizon)
            steps.append(Step(width, _parts(width, known), below=known[-1]))
            known.append(width)
    return tuple(steps)


def _bridge(widest: int, horizon: int) -> int:
    """Twice or three times the widest window, whichever leads to the horizon in fewer parts."""
    return min(
        (2 * widest, 3 * widest), key=lambda width: (-(-horizon // width) if horizon <= 3 * width else 4, -width)
    )


def _parts(width: int, known: list[int]) -> tuple[Part, ...]:
    parts: list[Part] = []
    offset = 0
    while offset < width:
        widest = max(candidate for candidate in known if candidate <= width - offset)
        parts.append(Part(len(parts), widest, offset))
        offset += widest
    return tuple(parts)
