"""Forward windows on arrays: what happened to whoever entered at the open of a bar and held for h bars.

A run of closes has a state: least and greatest close, worst fall (later over earlier, less 1), worst give-back (earlier
less later), lowest low and highest high. The states of two runs that follow each other combine into the state of both,
so the longer horizons are made of a few shorter ones (`chain`), and the entry's open is folded in last. Definitions:
contract, section 5.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flows.scoring.base import Floats
from flows.scoring.chain import Step, chain

Flags = NDArray[np.bool_]
Bits = NDArray[np.uint8]
Counts = NDArray[np.int32]

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

# Windows computed at once, so that the states of their runs stay in the processor's own cache.
BARS_A_BLOCK = 8_192

# The rows of a state. What is sought at its least is kept with its sign turned, so that of two states that meet each
# row keeps the greater: LEAST and LOWEST, the worst FALL as -later / earlier, the worst GIVE_BACK as later - earlier.
N_ROWS = 6
LEAST, MOST, FALL, GIVE_BACK, LOWEST, HIGHEST = range(N_ROWS)
# Once the entry is folded in, what is most has done its work.
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

    def __getitem__(self, some: slice) -> "Bars":
        return Bars(*(values[some] for values in vars(self).values()))


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
    """Return the windows of every horizon (in bars) for every bar that is no pad; hits are net of `cost_bps`.

    The states of the runs are written where the windows will stand, a block at a time, and made into windows there.
    """
    steps = chain(horizons)
    on_the_way = sorted({1, *(step.width for step in steps)} - set(horizons))
    n, n_ahead = len(bars.close), max(horizons) - 1
    states = np.empty((len(horizons) + len(on_the_way), N_ROWS, n))
    found = states[: len(horizons)]
    flags, has_closed = np.empty((len(horizons), n), dtype=np.uint8), np.empty((len(horizons), n), dtype=np.bool_)
    for start in range(0, n, BARS_A_BLOCK):
        block, seen = slice(start, start + BARS_A_BLOCK), slice(start, start + BARS_A_BLOCK + n_ahead)
        _write_states(bars[seen], steps, dict(zip((*horizons, *on_the_way), states[:, :, seen], strict=True)))
        _fold(bars.open[block], found[:, :, block])
        _judge(bars[seen], horizons, cost_bps, found[:, :, block], flags[:, block], has_closed[:, block])
    if bars.is_pad.any():
        kept = np.flatnonzero(~bars.is_pad)
        found, flags, has_closed = found[..., kept], flags[:, kept], has_closed[:, kept]
    return {
        horizon: Windows(
            exit_price=found[place, EXIT_PRICE],
            highest=found[place, HIGHEST],
            lowest=found[place, LOWEST],
            drawdown_long=found[place, FALL],
            drawdown_short=found[place, GIVE_BACK],
            flags=flags[place],
            has_closed=has_closed[place],
        )
        for place, horizon in enumerate(horizons)
    }


def _write_states(bars: Bars, steps: tuple[Step, ...], states: dict[int, Floats]) -> None:
    """Write, by width, the state of the run that starts at each bar; NaN where the bars end before the run does."""
    n = len(bars.close)
    single = states[1]
    np.negative(bars.close, out=single[LEAST])
    single[MOST] = bars.close
    single[FALL] = -1
    single[GIVE_BACK] = 0
    np.negative(bars.low, out=single[LOWEST])
    single[HIGHEST] = bars.high
    for step in steps:
        first, *later = step.parts
        state, room = states[first.width], states[step.width]
        for part in later:
            n_whole = max(n - part.offset - part.width + 1, 0)
            following = states[part.width][:, part.offset : part.offset + n_whole]
            state = _then(state[:, :n_whole], following, out=room[:, :n_whole])
        room[:, state.shape[1] :] = np.nan


def _then(earlier: Floats, later: Floats, out: Floats) -> Floats:
    """Write to `out`, which may be `earlier`, the state of each of its runs followed by the one of `later`."""
    across = np.empty((2, earlier.shape[1]))
    np.divide(later[LEAST], earlier[MOST], out=across[0])
    np.add(later[MOST], earlier[LEAST], out=across[1])
    np.maximum(earlier, later, out=out)
    np.maximum(out[FALL : GIVE_BACK + 1], across, out=out[FALL : GIVE_BACK + 1])
    return out


def _fold(entry: Floats, states: Floats) -> None:
    """Put the entry's open before the closes and turn the signs back: states become drawdowns, lowest and highest."""
    least, most, fall, give_back, lowest, _ = states.swapaxes(0, 1)
    least /= entry
    np.maximum(fall, least, out=fall)
    np.subtract(-1, fall, out=fall)
    most -= entry
    np.maximum(give_back, most, out=give_back)
    np.subtract(0, give_back, out=give_back)  # `negative` would make -0 of no give-back at all
    give_back /= entry
    np.negative(lowest, out=lowest)


def _judge(
    bars: Bars, horizons: tuple[int, ...], cost_bps: float, found: Floats, flags: Bits, has_closed: Flags
) -> None:
    """Add the exit prices, say what became of each window, and leave NaN where it has not closed.

    `bars` go on after the last entry, as far as the longest window reaches or the segments go.
    """
    n = found.shape[-1]
    left, passed, ended = bars.bars_left[:n], bars.bars_passed[:n], bars.has_ended[:n]
    held = np.array(horizons, dtype=left.dtype)[:, None]
    is_matured = left >= held
    np.logical_or(is_matured, ended & (passed >= held), out=has_closed)

    exit_price = found[:, EXIT_PRICE]
    too_many_filled = np.zeros(has_closed.shape, dtype=np.bool_)
    most_filled = left // FILLED_PER_BAR
    for place, horizon in enumerate(horizons):
        last = slice(horizon - 1, horizon - 1 + n)
        n_whole = len(bars.close[last])
        exit_price[place, :n_whole] = bars.close[last]
        n_filled = bars.n_filled[last] - bars.n_filled[:n_whole]
        # A tenth of the bars held: as many as the horizon has, or as are left where the segment ends first.
        too_many_filled[place, :n_whole] = (n_filled > horizon // FILLED_PER_BAR) | (n_filled > most_filled[:n_whole])
    np.copyto(found, np.nan, where=~has_closed[:, None])

    is_excluded = bars.is_left_out[:n] | (has_closed & too_many_filled)
    is_scored = has_closed & ~is_excluded
    hit_long, hit_short = hits(bars.open[:n], exit_price, cost_bps)
    flags[:] = (
        SCORED * is_scored.view(np.uint8)
        + HIT_LONG * (is_scored & hit_long).view(np.uint8)
        + HIT_SHORT * (is_scored & hit_short).view(np.uint8)
        + OTHER * (is_excluded | (has_closed & ~is_matured)).view(np.uint8)
    )


def hits(entry_price: Floats, exit_price: Floats, cost_bps: float) -> tuple[Flags, Flags]:
    """Whether a long and a short made money after costs: the macro `net_return` above 0, where a tie is no hit."""
    forward_return, cost = exit_price / entry_price - 1, cost_bps / 10_000
    return forward_return - cost > TIE, forward_return + cost < -TIE
