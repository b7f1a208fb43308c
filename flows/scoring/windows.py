"""Forward windows on arrays: what the price did from the open of an entry bar to the close of the window, h bars on.

A run of closes has a state: least and greatest close, worst fall (later over earlier, less 1), worst give-back (earlier
less later), lowest low and highest high. The states of two runs that follow each other combine into the state of both,
so a long horizon is combined from a few shorter ones (`chain`), and the entry's open is folded in last. Definitions:
contract, section 5.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flows.scoring.chain import Step, chain
from flows.scoring.series import Floats, Ints

Flags = NDArray[np.bool_]
Bits = NDArray[np.uint8]
Counts = NDArray[np.int32]

# The bits of a window and of a call on it, four a horizon: SCORED alone is `matured`, with OTHER `truncated`; without
# SCORED, OTHER is `excluded` and no bit is `open`.
SCORED, HIT_LONG, HIT_SHORT, OTHER = 1, 2, 4, 8
BITS_A_HORIZON = 4

# Net returns closer to zero are ties and count as zero. A move of exactly the costs is common (0.0500 to 0.0501 is 20
# bps), and binary arithmetic puts three in ten of them on one side or the other, at most 4e-16 off; decimal prices of
# up to 9 digits come no closer without being a tie.
TIE = 1e-14

# A window is excluded if more than one in this many of its bars is filled.
FILLED_PER_BAR = 10

# The rows of a state. Minima are stored with their sign turned, so that combining two states takes the greater in every
# row: LEAST and LOWEST negated, the worst FALL as -later / earlier, the worst GIVE_BACK as later - earlier.
N_ROWS = 6
LEAST, MOST, FALL, GIVE_BACK, LOWEST, HIGHEST = range(N_ROWS)
# MOST is not needed once the entry is folded in, so its row then takes the exit price.
EXIT_PRICE = MOST


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
    n_filled: Counts
    bars_left: Counts
    bars_passed: Counts
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
    flags: Bits
    has_closed: Flags


def forward_windows(bars: Bars, horizons: tuple[int, ...], cost_bps: float) -> dict[int, Windows]:
    """Return the windows of every horizon (in bars) for every bar that is no pad; hits are net of `cost_bps`."""
    steps = chain(horizons)
    # One array for all states: many small ones would be returned to the system and asked for again each time.
    single, *rooms = np.empty((1 + len(steps), N_ROWS, len(bars.close)))
    states = {1: _single_bars(bars, single)}
    for step, room in zip(steps, rooms, strict=True):
        states[step.width] = _combined(states, step, room)
    kept = np.flatnonzero(~bars.is_pad) if bars.is_pad.any() else slice(None)
    return {horizon: _fold(bars, states[horizon], horizon, cost_bps, kept) for horizon in horizons}


def _single_bars(bars: Bars, state: Floats) -> Floats:
    """Write the state of every single bar: shape (rows, bars)."""
    np.negative(bars.close, out=state[LEAST])
    state[MOST] = bars.close
    state[FALL] = -1
    state[GIVE_BACK] = 0
    np.negative(bars.low, out=state[LOWEST])
    state[HIGHEST] = bars.high
    return state


def _combined(states: dict[int, Floats], step: Step, room: Floats) -> Floats:
    """Write the state of the run of the step's width that starts at each bar; NaN where the bars end before it does."""
    first, *later = step.parts
    state = states[first.width]
    n = room.shape[1]
    for part in later:
        n_whole = max(n - part.offset - part.width + 1, 0)
        following = states[part.width][:, part.offset : part.offset + n_whole]
        state = _then(state[:, :n_whole], following, out=room[:, :n_whole])
    room[:, state.shape[1] :] = np.nan
    return room


def _then(earlier: Floats, later: Floats, out: Floats) -> Floats:
    """Write to `out`, which may be `earlier`, the state of each of its runs followed by the one of `later`."""
    across = np.empty((2, earlier.shape[1]))
    np.divide(later[LEAST], earlier[MOST], out=across[0])
    np.add(later[MOST], earlier[LEAST], out=across[1])
    np.maximum(earlier, later, out=out)
    np.maximum(out[FALL : GIVE_BACK + 1], across, out=out[FALL : GIVE_BACK + 1])
    return out


def _fold(bars: Bars, state: Floats, horizon: int, cost_bps: float, kept: Ints | slice) -> Windows:
    """Fold the entry's open into the state, in place, and return the windows with their flags."""
    n_whole = max(len(bars.close) - horizon + 1, 0)
    is_matured = bars.bars_left >= horizon
    has_closed = is_matured | (bars.has_ended & (bars.bars_passed >= horizon))
    found = _entered(bars.open, state)
    found[EXIT_PRICE, :n_whole] = bars.close[horizon - 1 :]
    np.copyto(found, np.nan, where=~has_closed)
    n_filled = np.zeros_like(bars.n_filled)
    np.subtract(bars.n_filled[horizon - 1 :], bars.n_filled[:n_whole], out=n_filled[:n_whole])
    too_many_filled = FILLED_PER_BAR * n_filled > np.minimum(bars.bars_left, horizon)
    is_excluded = bars.is_left_out | (has_closed & too_many_filled)
    is_scored = has_closed & ~is_excluded
    hit_long, hit_short = hits(bars.open, found[EXIT_PRICE], cost_bps)
    flags = (
        SCORED * is_scored.view(np.uint8)
        + HIT_LONG * (is_scored & hit_long).view(np.uint8)
        + HIT_SHORT * (is_scored & hit_short).view(np.uint8)
        + OTHER * (is_excluded | (has_closed & ~is_matured)).view(np.uint8)
    )
    return Windows(
        exit_price=found[EXIT_PRICE, kept],
        highest=found[HIGHEST, kept],
        lowest=found[LOWEST, kept],
        drawdown_long=found[FALL, kept],
        drawdown_short=found[GIVE_BACK, kept],
        flags=flags[kept],
        has_closed=has_closed[kept],
    )


def _entered(entry: Floats, state: Floats) -> Floats:
    """Turn a state in place into drawdowns from the entry on, lowest and highest, with their usual signs."""
    least, most, fall, give_back, lowest, _ = state
    least /= entry
    np.maximum(fall, least, out=fall)
    np.subtract(-1, fall, out=fall)
    most -= entry
    np.maximum(give_back, most, out=give_back)
    np.subtract(0, give_back, out=give_back)  # `negative` would turn a give-back of 0 into -0
    give_back /= entry
    np.negative(lowest, out=lowest)
    return state


def hits(entry_price: Floats, exit_price: Floats, cost_bps: float) -> tuple[Flags, Flags]:
    """Whether a long and a short made money after costs: the macro `net_return` above 0, where a tie is no hit."""
    forward_return, cost = exit_price / entry_price - 1, cost_bps / 10_000
    return forward_return - cost > TIE, forward_return + cost < -TIE
