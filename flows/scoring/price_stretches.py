"""Which of a token's price sources is in use when: decided delivery by delivery, and never again for what was used.

Moments are microseconds since 1970.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

DAY = 86_400_000_000

# The first stretch of a token also has what may be delivered before its bars.
EVER = -(2**63)

# Vendors round: relatively no more than this apart, two prices are equal (contract, section 3).
ROUNDING = 1e-6

# A run of bars that do not move, of unknown volume, is without trade from its fourth day on.
SILENT_AFTER = 3 * DAY

# Of several sources that could take over, the one with most bars in so long before the gap does.
LOOKBACK = 30 * DAY


@dataclass(frozen=True)
class Grid:
    """The length of a timeframe's bars, and how much may be missing between two of a segment."""

    length: int
    tolerated: int


@dataclass(frozen=True)
class Bar:
    """A bar of one source as a delivery had it; `is_unmoved` where its four prices are one and it reports no volume."""

    source: str
    start: int
    close: float
    is_unmoved: bool
    has_volume: bool


@dataclass(frozen=True)
class Stretch:
    """From its first bar on, or ever, a token's prices come from this source."""

    source: str
    used_from: int


@dataclass
class _Source:
    """The bars of one source known so far, in order, and the starts of those with trade."""

    bars: list[Bar] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    flat_from: list[int | None] = field(default_factory=list)
    traded: list[int] = field(default_factory=list)

    def take(self, delivered: list[Bar]) -> None:
        """Add or revise bars, which come in order."""
        first = bisect_left(self.starts, delivered[0].start)
        for bar in delivered:
            place = bisect_left(self.starts, bar.start)
            if place < len(self.starts) and self.starts[place] == bar.start:
                self.bars[place] = bar
            else:
                self.starts.insert(place, bar.start)
                self.bars.insert(place, bar)
        self._find_traded(first)

    def _find_traded(self, first: int) -> None:
        """Find anew which bars are with trade, from a place on."""
        del self.flat_from[first:]
        del self.traded[bisect_left(self.traded, self.starts[first]) :]
        for place in range(first, len(self.bars)):
            bar = self.bars[place]
            flat_from = None
            if place and bar.is_unmoved and _is_same(bar.close, self.bars[place - 1].close):
                flat_from = self.flat_from[place - 1]
                flat_from = bar.start if flat_from is None else flat_from
            self.flat_from.append(flat_from)
            if flat_from is None or (not bar.has_volume and bar.start < flat_from + SILENT_AFTER):
                self.traded.append(bar.start)

    def after(self, moment: int) -> int | None:
        """The first bar with trade after a moment."""
        place = bisect_right(self.traded, moment)
        return self.traded[place] if place < len(self.traded) else None

    def newest(self, start: int, end: int | None) -> int | None:
        """The newest bar with trade from `start` to before `end`."""
        place = (len(self.traded) if end is None else bisect_left(self.traded, end)) - 1
        return self.traded[place] if place >= 0 and self.traded[place] >= start else None

    def count(self, start: int, end: int) -> int:
        """How many bars with trade there are from `start` to before `end`."""
        return bisect_left(self.traded, end) - bisect_left(self.traded, start)


def _is_same(a: float, b: float) -> bool:
    return a == b or abs(a - b) <= ROUNDING * max(abs(a), abs(b))


def price_stretches(deliveries: Iterable[Iterable[Bar]], grid: Grid) -> list[Stretch]:
    """The stretches of one token; each delivery has its bars by source and start.

    After each delivery the stretches go on from the newest bar that was used before it.
    """
    sources: dict[str, _Source] = {}
    stretches: list[Stretch] = []
    reached: int | None = None
    for delivery in deliveries:
        of_source: dict[str, list[Bar]] = {}
        for bar in delivery:
            of_source.setdefault(bar.source, []).append(bar)
        for name, bars in of_source.items():
            sources.setdefault(name, _Source()).take(bars)
        if reached is None:
            first = min(sources, key=lambda name: (sources[name].traded[0], name))
            stretches.append(Stretch(first, EVER))
            reached = sources[first].traded[0]
        _go_on(stretches, sources, reached, grid)
        reached = _newest_used(stretches, sources)
    return stretches


def _go_on(stretches: list[Stretch], sources: Mapping[str, _Source], reached: int, grid: Grid) -> None:
    """Add the stretches that begin after a bar in use."""
    while True:
        current = stretches[-1].source
        own = sources[current].after(reached)
        if own is not None and own - reached <= grid.tolerated + grid.length:
            reached = own
            continue
        # The first bar of any source that shows that the one in use has had none for long.
        seen = min(
            (at for one in sources.values() if (at := one.after(reached + grid.tolerated)) is not None), default=None
        )
        if seen is None:
            return
        last = seen if own is None else min(seen, own - 1)
        firsts = {name: one.after(reached) for name, one in sources.items() if name != current}
        rivals = {name: first for name, first in firsts.items() if first is not None and first <= last}
        if rivals:
            gap = reached + grid.length
            counts = {name: sources[name].count(gap - LOOKBACK, gap) for name in rivals}
            chosen = min(rivals, key=lambda name: (-counts[name], name))
            reached = rivals[chosen]
            stretches.append(Stretch(chosen, reached))
        else:
            assert own is not None
            reached = own


def _newest_used(stretches: list[Stretch], sources: Mapping[str, _Source]) -> int:
    """The newest bar in use; a source's first bar always has trade, so there is one."""
    end: int | None = None
    for stretch in reversed(stretches):
        newest = sources[stretch.source].newest(stretch.used_from, end)
        if newest is not None:
            return newest
        end = stretch.used_from
    raise ValueError("no bar of the token is in use")
