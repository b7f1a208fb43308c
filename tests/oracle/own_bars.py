"""Signals whose moments are off our grid, and several of them in one bar (contract, section 2, Moments)."""

from __future__ import annotations

import pandas as pd

from .clock import TIMEFRAME_US, as_int, as_moment, bar_at_or_after, bar_at_or_before


def on_our_bars(signals: pd.DataFrame, *, is_published: bool) -> pd.DataFrame:
    """Each row at the start of the bar of ours that it belongs to, and of several in one bar the last one published.

    "A `signal_at` off the grid is the start of a bar of the vendor's own: the signal belongs to the first bar of ours
    that begins at or after it. With `moment = "published"` it is the moment of publication instead: the signal belongs
    to the bar that contains it, and `known_at`, where absent, is that moment."
    """
    moved = signals.copy()
    moved["stated_at"] = moved["signal_at"]
    for timeframe in moved["timeframe"].unique():
        rows = moved["timeframe"] == timeframe
        to_bar = bar_at_or_before if is_published else bar_at_or_after
        bars = to_bar(as_int(moved.loc[rows, "stated_at"]), TIMEFRAME_US[timeframe])
        moved.loc[rows, "signal_at"] = as_moment(bars)
    if is_published:
        moved["known_at"] = moved["known_at"].fillna(moved["stated_at"])
    published = moved["known_at"].fillna(moved["stated_at"])
    moved = moved.assign(published_at=published).sort_values(["published_at", "stated_at"], kind="stable")
    last = moved.drop_duplicates(["vendor", "token_id", "timeframe", "signal_at"], keep="last")
    return last.drop(columns=["stated_at", "published_at"]).sort_index()
