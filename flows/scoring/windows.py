"""Forward windows on arrays: what happened to whoever entered at the open of a bar and held for h bars.

A run of closes has a state: least and greatest close, worst fall (later over earlier, less 1), worst give-back (earlier
less later), lowest low and highest high. The states of two runs that follow each other combine into the state of both,
so the longer horizons are made of a few shorter ones (`chain`), and the entry's open is folded in last. Definitions:
contract, section 5.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flows.scoring.base import Floats, Ints
from flows.scoring.chain import Step, chain

Flags = NDArray[np.bool_]

# What became of a window and of a call on it, four bits a horizon: SCORED alone is `matured`, with OTHER `truncated`;
# without SCORED, OTHER is `excluded` and nothing is `open`.
SCORED, HIT_LONG, HIT_SHORT, OTHER = 1, 2, 4, 8
BITS_A_HORIZON = 4

# Net returns closer to zero are zero. A move of exactly the costs is common (0.0500 to 0.0501 is 20 bps), and binary
# arithmetic puts three in ten of them on one side or the other, at most 4e-16 off; decimal prices of up to 9 digits
# come no closer without being a tie.
TIE = 1e-14

# More than a tenth of its bars filled in excludes a window.
FILLED_PER_BAR = 10


@dataclass(frozen=True)
class Bars:
    """Bars in order of token, segment and time; a segment that has ended is followed by flat bars at its last close.

    Those pads (`is_pad`), one fewer than the longest horizon, make a window that the segment's end cuts short exact.
    `n_filled` counts filled bars from the segment's start; `bars_left` is how many bars the segment holds from this one
    on, `bars_passed` how many have passed by the end of the newest bar of the timeframe.
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    n_filled: Ints
    bars_left: Ints
    bars_passed: Ints
    has_ended: Flags
    is_left_out: Flags
    is_pad: Flags


@dataclass(frozen=True)
class Windows:
    """Windows of one horizon, one for each bar that is no pad; prices are NaN where the window has not closed."""

    exit_price: Floats
    highest: Floats
    lowest: Floats
    drawdown_long: Floats
    drawdown_short: Floats
    flags: Ints
    has_closed: Flags


@dataclass(frozen=True)
class _State:
    """The states of all runs of one width: element i is the run that starts at bar i."""

    least: Floats
    most: Floats
    fall: Floats
    give_back: Floats
    lowest: Floats
    highest: Floats

    def then(self, later: "_State", offset: int) -> "_State":
        """The state of each run followed by the `later` one that starts `offset` bars after it."""
        n = max(len(later.least) - offset, 0)
        end = offset + n
        fall = np.minimum(self.fall[:n], later.fall[offset:end])
        np.minimum(fall, later.least[offset:end] / self.most[:n] - 1, out=fall)
        give_back = np.minimum(self.give_back[:n], later.give_back[offset:end])
        np.minimum(give_back, self.least[:n] - later.most[offset:end], out=give_back)
        return _State(
            least=np.minimum(self.least[:n], later.least[offset:end]),
            most=np.maximum(self.most[:n], later.most[offset:end]),
            fall=fall,
            give_back=give_back,
            lowest=np.minimum(self.lowest[:n], later.lowest[offset:end]),
            highest=np.maximum(self.highest[:n], later.highest[offset:end]),
        )


def forward_windows(bars: Bars, horizons: tuple[int, ...], cost_bps: float) -> dict[int, Windows]:
    """Return the windows of every horizon (in bars) for every bar that is no pad; hits are net of `cost_bps`."""
    zero = np.zeros(len(bars.close))
    states = {1: _State(bars.close, bars.close, zero, zero, bars.low, bars.high)}
    for step in chain(horizons):
        states[step.width] = _combined(states, step)
    return {horizon: _fold(bars, states[horizon], horizon, cost_bps) for horizon in horizons}


def _combined(states: dict[int, _State], step: Step) -> _State:
    first, *later = step.parts
    state = states[first.width]
    for part in later:
        state = state.then(states[part.width], part.offset)
    return state


def _fold(bars: Bars, state: _State, horizon: int, cost_bps: float) -> Windows:
    """Put the entry's open before the closes, and say what became of each window."""
    kept = ~bars.is_pad
    n = len(state.least)
    entry = bars.open[:n]
    left, passed, ended = bars.bars_left[kept], bars.bars_passed[kept], bars.has_ended[kept]
    is_matured = left >= horizon
    has_closed = is_matured | (ended & (passed >= horizon))

    def of_closed(values: Floats) -> Floats:
        whole = np.full(len(bars.open), np.nan)
        whole[:n] = values
        return np.where(has_closed, whole[kept], np.nan)

    n_filled = np.zeros(len(bars.open), dtype=np.int64)
    n_filled[:n] = bars.n_filled[horizon - 1 :] - bars.n_filled[:n]
    too_many_filled = has_closed & (FILLED_PER_BAR * n_filled[kept] > np.minimum(left, horizon))
    is_excluded = bars.is_left_out[kept] | too_many_filled
    is_scored = has_closed & ~is_excluded
    exit_price = of_closed(bars.close[horizon - 1 :])
    hit_long, hit_short = hits(bars.open[kept], exit_price, cost_bps)
    return Windows(
        exit_price=exit_price,
        highest=of_closed(state.highest),
        lowest=of_closed(state.lowest),
        drawdown_long=of_closed(np.minimum(state.fall, state.least / entry - 1)),
        drawdown_short=of_closed(np.minimum(state.give_back, entry - state.most) / entry),
        flags=(
            SCORED * is_scored
            + HIT_LONG * (is_scored & hit_long)
            + HIT_SHORT * (is_scored & hit_short)
            + OTHER * (is_excluded | (has_closed & ~is_matured))
        ),
        has_closed=has_closed,
    )


def hits(entry_price: Floats, exit_price: Floats, cost_bps: float) -> tuple[Flags, Flags]:
    """Whether a long and a short made money after costs: the macro `net_return` above 0, where a tie is no hit."""
    forward_return, cost = exit_price / entry_price - 1, cost_bps / 10_000
    return forward_return - cost > TIE, -forward_return - cost > TIE
