"""Segments and the spine (contract, section 3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .clock import DAY, TIMEFRAME_US, as_int, as_moment
from .gaps import tolerated_gap

SEGMENT_JUMP = 5.0  # an open more than 5 times, or less than a fifth of, the previous close ends one
SEASONING = 7 * DAY  # the first days of a token's first segment


@dataclass(frozen=True)
class Spine:
    """All spine bars of one timeframe, sorted by token and bar_start; one array entry a bar."""

    timeframe: str
    step: int  # the timeframe in microseconds
    token_id: NDArray[np.int64]
    bar_start: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume_usd: NDArray[np.float64]
    is_filled: NDArray[np.bool_]
    segment: NDArray[np.int64]
    first: NDArray[np.int64]  # position of the first bar of the bar's segment
    last: NDArray[np.int64]  # position of the last bar of the bar's segment
    has_ended: NDArray[np.bool_]  # of the bar's segment
    is_last_segment: NDArray[np.bool_]
    is_seasoning: NDArray[np.bool_]
    newest: int  # bar_start of the newest bar of the timeframe, of any token

    def __len__(self) -> int:
        return len(self.token_id)

    def position_of(self, token_id: NDArray[np.int64], bar_start: NDArray[np.int64]) -> NDArray[np.int64]:
        """The position of the bar of this token and moment; -1 where there is none."""
        index = pd.MultiIndex.from_arrays([self.token_id, self.bar_start])
        return index.get_indexer(pd.MultiIndex.from_arrays([token_id, bar_start])).astype(np.int64)


def build_spine(prices: pd.DataFrame, timeframe: str) -> Spine | None:
    """The spine of one timeframe; None where it has no bars."""
    bars = prices[prices["timeframe"] == timeframe].sort_values(["token_id", "bar_start"])
    if bars.empty:
        return None
    step = TIMEFRAME_US[timeframe]
    token = bars["token_id"].to_numpy(dtype=np.int64)
    start = as_int(bars["bar_start"])
    o, h, low, c = (bars[name].to_numpy(dtype=np.float64) for name in ("open", "high", "low", "close"))
    volume = bars["volume_usd"].to_numpy(dtype=np.float64)
    n = len(bars)

    # A new segment begins where a bar is too far, in time or price, from the token's previous real bar.
    same_token = np.zeros(n, dtype=bool)
    same_token[1:] = token[1:] == token[:-1]
    n_missing = np.zeros(n, dtype=np.int64)
    n_missing[1:] = (start[1:] - start[:-1]) // step - 1
    previous_close = np.full(n, np.nan)
    previous_close[1:] = c[:-1]
    tolerated = tolerated_gap(step)
    gap = n_missing * step > tolerated
    jump = (o > SEGMENT_JUMP * previous_close) | (SEGMENT_JUMP * o < previous_close)
    stretch = bars["stretch"].to_numpy(dtype=np.int64)
    taken_over = np.zeros(n, dtype=bool)  # "another source takes over and a new segment begins"
    taken_over[1:] = stretch[1:] != stretch[:-1]
    begins = ~same_token | gap | jump | taken_over
    segment_run = np.cumsum(begins)  # numbered over all tokens
    first_run_of_token = pd.Series(segment_run).groupby(token).transform("min").to_numpy()
    segment = segment_run - first_run_of_token + 1  # numbered from 1 within the token

    # Fill: inside a segment every real bar is preceded by the bars missing before it.
    copies = np.where(begins, 1, n_missing + 1)
    real = np.repeat(np.arange(n), copies)
    last_copy = np.cumsum(copies)[real] - 1
    bars_before = last_copy - np.arange(len(real))  # 0 for the real bar itself
    is_filled = bars_before > 0
    flat = c[np.where(is_filled, real - 1, real)]  # the previous close
    run = segment_run[real]
    positions = np.arange(len(real))
    first = np.searchsorted(run, run, side="left")
    last = np.searchsorted(run, run, side="right") - 1
    bar_start = start[real] - bars_before * step
    newest = int(start.max())
    is_last_segment = segment[real] == pd.Series(segment[real]).groupby(token[real]).transform("max").to_numpy()
    # Ended: a later one began, or its last bar is more than 3 days older than the newest bar of the
    # timeframe.
    # AMBIGUOUS: at `1w` every bar but the newest is more than 3 days older; read as the 2 bars of a gap there.
    has_ended = ~is_last_segment | (newest - bar_start[last] > tolerated)
    # AMBIGUOUS: "a token's first segment" is taken per timeframe, like every segment.
    is_seasoning = (segment[real] == 1) & (bar_start < bar_start[first] + SEASONING)
    assert len(positions) == len(bar_start)
    return Spine(
        timeframe=timeframe,
        step=step,
        token_id=token[real],
        bar_start=bar_start,
        open=np.where(is_filled, flat, o[real]),
        high=np.where(is_filled, flat, h[real]),
        low=np.where(is_filled, flat, low[real]),
        close=np.where(is_filled, flat, c[real]),
        volume_usd=np.where(is_filled, 0.0, volume[real]),
        is_filled=is_filled,
        segment=segment[real],
        first=first,
        last=last,
        has_ended=has_ended,
        is_last_segment=is_last_segment,
        is_seasoning=is_seasoning,
        newest=newest,
    )


def spine_table(spine: Spine) -> pd.DataFrame:
    """The spine as analysts would see it; `bar_index` counts from 0 within the segment."""
    return pd.DataFrame(
        {
            "token_id": spine.token_id,
            "timeframe": spine.timeframe,
            "bar_start": as_moment(spine.bar_start),
            "open": spine.open,
            "high": spine.high,
            "low": spine.low,
            "close": spine.close,
            "volume_usd": spine.volume_usd,
            "is_filled": spine.is_filled,
            "segment": spine.segment,
            "bar_index": np.arange(len(spine)) - spine.first,
            "has_ended": spine.has_ended,
            "is_seasoning": spine.is_seasoning,
        }
    )
