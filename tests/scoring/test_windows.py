"""Forward windows on arrays against a loop that walks each window bar by bar, as section 5 of the contract reads."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.scoring.chain import chain
from flows.scoring.windows import HIT_LONG, HIT_SHORT, OTHER, SCORED, Bars, Windows, forward_windows, hits

COST_BPS = 20.0


@dataclass(frozen=True)
class Bar:
    open: float
    high: float
    low: float
    close: float
    is_filled: bool
    is_left_out: bool


@dataclass(frozen=True)
class Segment:
    """Bars in a row, how many bars ago (0: just now) the newest bar of the timeframe ended after its last one."""

    bars: tuple[Bar, ...]
    silence: int
    has_ended: bool


@dataclass(frozen=True)
class Expected:
    """One window as the contract defines it; None where it has not closed."""

    flags: int
    exit_price: float | None
    highest: float | None
    lowest: float | None
    drawdown_long: float | None
    drawdown_short: float | None


price = st.sampled_from([0.5, 0.998, 1.0, 1.002, 1.1, 2.0, 7.0]) | st.floats(0.01, 100)


@st.composite
def bar(draw: st.DrawFn) -> Bar:
    opened, closed, one, other = (draw(price) for _ in range(4))
    highest, lowest = max(opened, closed, one, other), min(opened, closed, one, other)
    return Bar(opened, highest, lowest, closed, draw(st.integers(0, 9)) == 0, draw(st.integers(0, 9)) == 0)


segment = st.builds(Segment, st.lists(bar(), min_size=1, max_size=25).map(tuple), st.integers(0, 12), st.booleans())
segments = st.lists(segment, min_size=1, max_size=4)
horizons = st.lists(st.integers(1, 30), min_size=1, max_size=5, unique=True).map(lambda some: tuple(sorted(some)))


def as_arrays(some: list[Segment], longest: int) -> Bars:
    """The arrays as the SQL lays them out: a segment that has ended is followed by flat bars at its last close."""
    rows = []
    for one in some:
        n, n_filled = len(one.bars), np.cumsum([each.is_filled for each in one.bars])
        for i, each in enumerate(one.bars):
            row = (each.open, each.high, each.low, each.close, n_filled[i], n - i, n - i + one.silence)
            rows.append((*row, one.has_ended, each.is_left_out or each.is_filled, False))
        if one.has_ended:
            last = one.bars[-1].close
            rows += [(last, last, last, last, n_filled[-1], -i, 0, True, True, True) for i in range(longest - 1)]
    columns = list(zip(*rows, strict=True))
    floats = [np.array(column, dtype=np.float64) for column in columns[:4]]
    ints = [np.array(column, dtype=np.int32) for column in columns[4:7]]
    flags = [np.array(column, dtype=bool) for column in columns[7:]]
    return Bars(*floats, *ints, *flags)


def walked(one: Segment, i: int, horizon: int) -> Expected:
    """The window of one entry bar, by the book."""
    entry_bar, bars_left = one.bars[i], len(one.bars) - i
    is_matured = bars_left >= horizon
    is_truncated = not is_matured and one.has_ended and bars_left + one.silence >= horizon
    if not is_matured and not is_truncated:
        return Expected(OTHER * (entry_bar.is_left_out or entry_bar.is_filled), None, None, None, None, None)
    bars = one.bars[i : i + horizon]
    entry, exit_price = entry_bar.open, bars[-1].close
    path = [entry, *(each.close for each in bars)]
    pairs = [(path[a], path[b]) for b in range(len(path)) for a in range(b + 1)]
    too_many_filled = 10 * sum(each.is_filled for each in bars) > len(bars)
    is_excluded = entry_bar.is_left_out or entry_bar.is_filled or too_many_filled
    if is_excluded:
        flags = OTHER
    else:
        is_long, is_short = (flag.item() for flag in hits(np.array([entry]), np.array([exit_price]), COST_BPS))
        flags = SCORED + HIT_LONG * is_long + HIT_SHORT * is_short + OTHER * is_truncated
    return Expected(
        flags,
        exit_price,
        max(each.high for each in bars),
        min(each.low for each in bars),
        min(later / earlier - 1 for earlier, later in pairs),
        min((earlier - later) / entry for earlier, later in pairs),
    )


@given(segments, horizons)
def test_windows_are_what_a_walk_finds(some: list[Segment], of: tuple[int, ...]) -> None:
    found = forward_windows(as_arrays(some, max(of)), of, COST_BPS)
    assert tuple(found) == of
    for horizon, windows in found.items():
        expected = [walked(one, i, horizon) for one in some for i in range(len(one.bars))]
        assert windows.flags.tolist() == [one.flags for one in expected]
        assert windows.has_closed.tolist() == [one.exit_price is not None for one in expected]
        for name in ("exit_price", "highest", "lowest", "drawdown_long", "drawdown_short"):
            wanted = np.array([getattr(one, name) for one in expected], dtype=np.float64)
            np.testing.assert_allclose(getattr(windows, name), wanted, rtol=1e-12, atol=1e-12, err_msg=name)


@given(segments, horizons)
def test_a_drawdown_is_at_least_the_loss(some: list[Segment], of: tuple[int, ...]) -> None:
    arrays = as_arrays(some, max(of))
    entry = arrays.open[~arrays.is_pad]
    for windows in forward_windows(arrays, of, COST_BPS).values():
        closed = windows.has_closed
        forward_return = (windows.exit_price / entry - 1)[closed]
        assert (windows.drawdown_long[closed] <= np.minimum(0, forward_return) + 1e-12).all()
        assert (windows.drawdown_short[closed] <= np.minimum(0, -forward_return) + 1e-12).all()


@given(segments, horizons, st.integers(-20, 20))
def test_prices_in_another_unit_change_no_return(some: list[Segment], of: tuple[int, ...], power: int) -> None:
    """By powers of two, so that nothing is rounded."""
    arrays, factor = as_arrays(some, max(of)), 2.0**power
    scaled = Bars(
        **{**vars(arrays), **{name: getattr(arrays, name) * factor for name in ("open", "high", "low", "close")}}
    )
    before, after = forward_windows(arrays, of, COST_BPS), forward_windows(scaled, of, COST_BPS)
    for horizon in of:
        _assert_equal(before[horizon], after[horizon], ("drawdown_long", "drawdown_short", "flags", "has_closed"))


@given(segments, horizons, st.integers(31, 60))
def test_a_further_horizon_changes_no_other(some: list[Segment], of: tuple[int, ...], further: int) -> None:
    before = forward_windows(as_arrays(some, max(of)), of, COST_BPS)
    after = forward_windows(as_arrays(some, further), (*of, further), COST_BPS)
    for horizon in of:
        _assert_equal(before[horizon], after[horizon], tuple(vars(before[horizon])))


@given(st.lists(segment, min_size=2, max_size=4), horizons)
def test_segments_do_not_see_each_other(some: list[Segment], of: tuple[int, ...]) -> None:
    together = forward_windows(as_arrays(some, max(of)), of, COST_BPS)
    alone = [forward_windows(as_arrays([one], max(of)), of, COST_BPS) for one in some]
    for horizon in of:
        for name, values in vars(together[horizon]).items():
            np.testing.assert_array_equal(values, np.concatenate([getattr(one[horizon], name) for one in alone]))


def _assert_equal(before: Windows, after: Windows, names: tuple[str, ...]) -> None:
    for name in names:
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name), err_msg=name)


# --- hits --------------------------------------------------------------------------------------------------


@given(st.integers(1, 10**7), st.integers(0, 8), st.sampled_from([5, 7.5, 10, 12.5, 20, 30]))
def test_a_tie_is_no_hit_whatever_its_decimals(digits: int, decimals: int, cost_bps: float) -> None:
    """digits x (1 + costs) written with as many decimals as it takes is exactly the costs away."""
    entry = digits / 10**decimals
    up = round(digits * (100_000 + round(10 * cost_bps))) / 10 ** (decimals + 5)
    down = round(digits * (100_000 - round(10 * cost_bps))) / 10 ** (decimals + 5)
    is_long, is_short = hits(np.array([entry, entry]), np.array([up, down]), cost_bps)
    assert not is_long.any()
    assert not is_short.any()
    # A ten-millionth more is a hit.
    is_long, is_short = hits(np.array([entry, entry]), np.array([up * (1 + 1e-7), down * (1 - 1e-7)]), cost_bps)
    assert is_long.tolist() == [True, False]
    assert is_short.tolist() == [False, True]


# --- the chain of horizons ---------------------------------------------------------------------------------


@given(st.sets(st.integers(1, 2_000), min_size=1, max_size=8))
def test_the_chain_covers_every_horizon_exactly(wanted: set[int]) -> None:
    known = {1}
    for step in chain(wanted):
        assert step.width not in known
        assert step.below == max(known) < step.width
        # Its parts lie side by side, from the first bar to the last, and each is a window that is there already.
        reached = 0
        for number, part in enumerate(step.parts):
            assert (part.number, part.offset) == (number, reached)
            assert part.width in known
            reached += part.width
        assert reached == step.width
        known.add(step.width)
    assert wanted <= known


@pytest.mark.parametrize("wanted", [(1, 7, 14, 30, 90), (1, 4, 24, 72, 168)])
def test_the_chain_of_our_horizons_is_short(wanted: tuple[int, ...]) -> None:
    """Few steps of few parts: a window of 90 days is not walked day by day."""
    steps = chain(wanted)
    assert len(steps) <= 10
    assert all(len(step.parts) <= 5 for step in steps)
