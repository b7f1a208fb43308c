"""Forward windows (contract, section 5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .bars import Spine
from .clock import as_moment

MATURED, TRUNCATED, OPEN, EXCLUDED = 0, 1, 2, 3
STATUS = np.array(["matured", "truncated", "open", "excluded"])


@dataclass(frozen=True)
class Windows:
    """The windows of one timeframe and horizon, one for every spine bar, in the order of the spine.

    `status` codes index STATUS. Price columns are NaN, and `exit_at` is the scheduled end, where the window
    has not closed.
    AMBIGUOUS: an excluded window that has closed keeps its prices (the contract takes them away from `open`
    windows only); one that has not closed has none.
    """

    spine: Spine
    horizon: int
    status: NDArray[np.int8]
    exit_at: NDArray[np.int64]
    exit_price: NDArray[np.float64]
    forward_return: NDArray[np.float64]
    highest: NDArray[np.float64]
    lowest: NDArray[np.float64]
    drawdown_long: NDArray[np.float64]
    drawdown_short: NDArray[np.float64]

    @property
    def entry_at(self) -> NDArray[np.int64]:
        return self.spine.bar_start

    @property
    def entry_price(self) -> NDArray[np.float64]:
        return self.spine.open

    @property
    def is_scored(self) -> NDArray[np.bool_]:
        """Only matured and truncated windows are scored."""
        return self.status <= TRUNCATED


def build_windows(spine: Spine, horizons: list[int], scored_token: NDArray[np.bool_]) -> list[Windows]:
    """All windows of a timeframe, one Windows a horizon; `scored_token`: is_scored, bar by bar."""
    n = len(spine)
    entry = spine.open
    positions = np.arange(n)
    n_filled_before = np.concatenate([[0], np.cumsum(spine.is_filled)])
    newest_end = spine.newest + spine.step

    # The path [entry_price, close_i, close_i+1, ...], for all entry bars at once. Past the segment's last bar
    # that bar is repeated, which changes no running extreme.
    path_max = entry.copy()
    path_min = entry.copy()
    worst_ratio = np.ones(n)  # min over a <= b of P_b / P_a
    worst_giveback = np.zeros(n)  # min over a <= b of P_a - P_b
    highest = np.full(n, -np.inf)
    lowest = np.full(n, np.inf)

    found = []
    wanted = set(horizons)
    for k in range(max(horizons)):
        at = np.minimum(positions + k, spine.last)
        price = spine.close[at]
        np.maximum(path_max, price, out=path_max)
        np.minimum(path_min, price, out=path_min)
        np.minimum(worst_ratio, price / path_max, out=worst_ratio)
        np.minimum(worst_giveback, path_min - price, out=worst_giveback)
        np.maximum(highest, spine.high[at], out=highest)
        np.minimum(lowest, spine.low[at], out=lowest)
        h = k + 1
        if h not in wanted:
            continue

        scheduled_exit = spine.bar_start + h * spine.step
        is_full = positions + h - 1 <= spine.last  # bar i+h-1 exists; every spine bar is closed
        is_cut = ~is_full & spine.has_ended & (scheduled_exit <= newest_end)
        has_closed = is_full | is_cut
        exit_position = np.minimum(positions + h - 1, spine.last)
        n_bars = exit_position - positions + 1
        n_filled = n_filled_before[exit_position + 1] - n_filled_before[positions]
        # AMBIGUOUS: the share of filled bars of a truncated window is of the bars it holds, not of h.
        too_many_filled = has_closed & (10 * n_filled > n_bars)
        excluded = ~scored_token | spine.is_seasoning | spine.is_filled | too_many_filled

        status = np.select([excluded, is_full, is_cut], [EXCLUDED, MATURED, TRUNCATED], OPEN).astype(np.int8)
        exit_price = np.where(has_closed, price, np.nan)
        found.append(
            Windows(
                spine=spine,
                horizon=h,
                status=status,
                exit_at=np.where(has_closed, spine.bar_start[exit_position] + spine.step, scheduled_exit),
                exit_price=exit_price,
                forward_return=exit_price / entry - 1,
                highest=np.where(has_closed, highest, np.nan),
                lowest=np.where(has_closed, lowest, np.nan),
                drawdown_long=np.where(has_closed, worst_ratio - 1, np.nan),
                drawdown_short=np.where(has_closed, worst_giveback / entry, np.nan),
            )
        )
    return found


def window_table(windows: Windows) -> pd.DataFrame:
    """`core.forward_window` for one timeframe and horizon."""
    spine = windows.spine
    return pd.DataFrame(
        {
            "token_id": spine.token_id,
            "timeframe": spine.timeframe,
            "entry_at": as_moment(windows.entry_at),
            "horizon": windows.horizon,
            "entry_price": windows.entry_price,
            "exit_at": as_moment(windows.exit_at),
            "exit_price": windows.exit_price,
            "forward_return": windows.forward_return,
            "highest": windows.highest,
            "lowest": windows.lowest,
            "drawdown_long": windows.drawdown_long,
            "drawdown_short": windows.drawdown_short,
            "status": pd.Categorical.from_codes(windows.status, categories=list(STATUS)).astype(str),
        }
    )
