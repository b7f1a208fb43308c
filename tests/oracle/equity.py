"""`sector_equity` and `sector_drawdown` (contract, section 7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .bars import Spine
from .calls import Coverage
from .clock import as_moment

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EQUITY_COLUMNS = [
    "vendor", "sector", "timeframe", "policy", "bar_start", "bar_return", "equity", "drawdown", "n_long",
    "n_short", "turnover",
]  # fmt: skip
DRAWDOWN_COLUMNS = [
    "vendor", "sector", "timeframe", "policy", "max_drawdown", "peak_at", "trough_at", "recovered_at",
    "n_bars_under_water",
]  # fmt: skip


@dataclass(frozen=True)
class Book:
    """The stances and eligible tokens of one vendor and timeframe, for every bar of the spine."""

    spine: Spine
    sector: NDArray[np.object_]
    is_eligible: NDArray[np.bool_]  # scored, covered, seasoned
    stance: Ints  # 0 on seasoning bars and for tokens that are not scored


def build_book(
    spine: Spine,
    coverage: Coverage,
    stance: Ints,
    sector: NDArray[np.object_],
    scored_token: NDArray[np.bool_],
) -> Book:
    """AMBIGUOUS: tokens that are not scored are in no curve; a bar is covered if its bar_start is."""
    usable = scored_token & ~spine.is_seasoning
    return Book(
        spine=spine,
        sector=sector,
        is_eligible=usable & coverage.covers(spine.token_id, spine.bar_start),
        stance=np.where(usable, stance, 0),
    )


def build_curves(book: Book, vendor: str, cost_bps: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All curves of one vendor and timeframe, and their deepest drawdowns."""
    curves, deepest = [], []
    if not book.is_eligible.any():
        return pd.DataFrame(columns=EQUITY_COLUMNS), pd.DataFrame(columns=DRAWDOWN_COLUMNS)
    for sector in ["all", *sorted(set(book.sector[book.is_eligible]))]:
        of_cell = np.ones(len(book.spine), dtype=bool) if sector == "all" else book.sector == sector
        for policy in ("signal", "equal_weight", "hold"):
            curve = _curve(book, of_cell, policy, cost_bps)
            keys = {"vendor": vendor, "sector": sector, "timeframe": book.spine.timeframe, "policy": policy}
            curves.append(curve.assign(**keys)[EQUITY_COLUMNS])
            deepest.append(keys | deepest_drawdown(curve))
    table = pd.DataFrame(deepest, columns=DRAWDOWN_COLUMNS)
    moments = ["peak_at", "trough_at", "recovered_at"]
    table[moments] = table[moments].apply(lambda column: column.astype("datetime64[us]"))
    return pd.concat(curves, ignore_index=True), table


def _curve(book: Book, of_cell: NDArray[np.bool_], policy: str, cost_bps: float) -> pd.DataFrame:
    """One curve.

    AMBIGUOUS: it runs over every moment of the grid from the first bar on which a token of the cell is
    eligible (the same for the three policies) to the newest bar of the timeframe, though all of its tokens
    may have died.
    """
    spine = book.spine
    first = int(spine.bar_start[of_cell & book.is_eligible].min())
    n_bars = (spine.newest - first) // spine.step + 1
    if policy == "signal":
        stance = np.where(of_cell, book.stance, 0)
    elif policy == "equal_weight":
        stance = (of_cell & book.is_eligible).astype(np.int64)
    else:
        stance = (of_cell & book.is_eligible & _is_first_holding(book)).astype(np.int64)

    rows = np.flatnonzero(stance)
    moment = (spine.bar_start[rows] - first) // spine.step
    n_positions = np.bincount(moment, minlength=n_bars)
    changed = _changes(spine, stance, first, n_bars)
    # "tokens held (the previous bar's count where none is)"
    divisor = np.where(n_positions > 0, n_positions, np.concatenate([[0], n_positions[:-1]])).astype(np.float64)
    safe = np.where(divisor > 0, divisor, 1.0)

    if policy == "hold":
        bar_return = _hold_returns(spine, rows, moment, n_bars)
    else:
        token_return = _bar_returns(spine, stance)[rows]
        earned = np.bincount(moment, weights=np.maximum(-1.0, stance[rows] * token_return), minlength=n_bars)
        cost = cost_bps / 10_000 / 2 * changed if policy == "signal" else 0.0
        bar_return = np.maximum(-1.0, np.where(divisor > 0, (earned - cost) / safe, 0.0))

    equity = np.cumprod(1 + bar_return)
    running_max = np.maximum(np.maximum.accumulate(equity), 1.0)  # the starting 1 included
    return pd.DataFrame(
        {
            "bar_start": as_moment(first + np.arange(n_bars) * spine.step),
            "bar_return": bar_return,
            "equity": equity,
            "drawdown": equity / running_max - 1,
            "n_long": np.bincount(moment[stance[rows] > 0], minlength=n_bars),
            "n_short": np.bincount(moment[stance[rows] < 0], minlength=n_bars),
            # AMBIGUOUS: turnover is sum of |stance changed| / tokens held, the factor that c/2 is charged on;
            # for the two other policies the same with +1 while a token is in (entries and exits, no
            # reweighting).
            "turnover": np.where(divisor > 0, changed / safe, 0.0),
        }
    )


def _bar_returns(spine: Spine, stance: Ints) -> Floats:
    """close / previous close - 1 where the stance is that of the segment's previous bar, else close
    / open - 1.
    """
    previous = np.maximum(np.arange(len(spine)) - 1, 0)
    carried = (np.arange(len(spine)) > spine.first) & (stance[previous] == stance)
    return np.where(carried, spine.close / spine.close[previous], spine.close / spine.open) - 1


def _changes(spine: Spine, stance: Ints, first: int, n_bars: int) -> Floats:
    """Sum of |stance changed| per moment of the curve.

    AMBIGUOUS: a stance ends with its segment: the exit is charged on the bar after the segment's last one
    (once the segment has ended), and a stance in the next segment is a new entry, even where the two segments
    touch.
    """
    positions = np.arange(len(spine))
    before = np.where(positions > spine.first, stance[np.maximum(positions - 1, 0)], 0)
    change = np.abs(stance - before)
    rows = np.flatnonzero(change)
    moments = (spine.bar_start[rows] - first) // spine.step
    ends = np.flatnonzero((positions == spine.last) & spine.has_ended & (stance != 0))
    end_moments = (spine.bar_start[ends] - first) // spine.step + 1
    all_moments = np.concatenate([moments, end_moments])
    amounts = np.concatenate([change[rows], np.abs(stance[ends])]).astype(np.float64)
    inside = (all_moments >= 0) & (all_moments < n_bars)
    return np.bincount(all_moments[inside], weights=amounts[inside], minlength=n_bars)


def _is_first_holding(book: Book) -> NDArray[np.bool_]:
    """Bars of the segment in which the token was eligible for the first time (`hold` never buys twice)."""
    spine = book.spine
    eligible = np.flatnonzero(book.is_eligible)
    tokens, where = np.unique(spine.token_id[eligible], return_index=True)
    first_segment = dict(zip(tokens.tolist(), spine.segment[eligible[where]].tolist(), strict=True))
    wanted = pd.Series(spine.token_id).map(first_segment).to_numpy(dtype=np.float64)
    return spine.segment == wanted


def _hold_returns(spine: Spine, rows: Ints, moment: Ints, n_bars: int) -> Floats:
    """Equal notional at each token's first bar, never rebalanced, proceeds kept as cash.

    AMBIGUOUS: a token that comes later brings its notional of 1 with it. The bar's return is gain / (value of
    all that was brought in so far, cash included, before the bar + the notional that comes in at its open).
    """
    token = spine.token_id[rows]
    is_entry = np.append(True, token[1:] != token[:-1])
    entry_row = rows[np.maximum.accumulate(np.where(is_entry, np.arange(len(rows)), 0))]
    value = spine.close[rows] / spine.open[entry_row]
    value_before = np.where(is_entry, 1.0, spine.close[np.maximum(rows - 1, 0)] / spine.open[entry_row])
    gain = np.bincount(moment, weights=value - value_before, minlength=n_bars)
    brought_in = np.bincount(moment[is_entry], minlength=n_bars)
    worth = np.cumsum(gain + brought_in)
    capital = np.concatenate([[0.0], worth[:-1]]) + brought_in
    return gain / capital


def deepest_drawdown(curve: pd.DataFrame) -> dict[str, object]:
    """The row of `sector_drawdown`.

    AMBIGUOUS: the peak is the first bar that reached the running maximum before the trough. The starting 1
    stands before the first bar: as a peak it is dated with the first bar, and all bars from the first on
    count as after it. A curve that was never under water has max_drawdown 0, peak_at its start, no trough, no
    recovery, 0 bars.
    """
    drawdown = curve["drawdown"].to_numpy()
    equity = curve["equity"].to_numpy()
    bars = curve["bar_start"].to_numpy()
    trough = int(np.argmin(drawdown))
    if drawdown[trough] >= 0:
        return {
            "max_drawdown": 0.0,
            "peak_at": bars[0],
            "trough_at": pd.NaT,
            "recovered_at": pd.NaT,
            "n_bars_under_water": 0,
        }
    highest = equity[: trough + 1].max()
    peak = int(np.argmax(equity[: trough + 1])) if highest > 1.0 else -1
    level = max(float(highest), 1.0)
    later = np.flatnonzero(equity[trough:] >= level)
    recovery = trough + int(later[0]) if len(later) else None
    return {
        "max_drawdown": float(drawdown[trough]),
        "peak_at": bars[max(peak, 0)],
        "trough_at": bars[trough],
        "recovered_at": pd.NaT if recovery is None else bars[recovery],
        "n_bars_under_water": (len(bars) - 1 if recovery is None else recovery) - peak,
    }
