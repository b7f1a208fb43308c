"""Coverage, calls, stance (contract, sections 1 and 4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .bars import Spine
from .clock import NEVER, TIMEFRAME_US, as_int, as_moment

COVERAGE_BARS = 3  # covered to so many bars after the vendor's newest row
STANCE_BARS = 2  # a stance lasts at most until so many bars after the vendor's newest signal_at


@dataclass(frozen=True)
class Coverage:
    """What one vendor covers in one timeframe, in microseconds."""

    first_row: dict[int, int]  # token_id -> signal_at of the token's first row; of events, of the vendor's
    newest_row: int | None  # None: no end
    step: int

    def covers(self, token_id: NDArray[np.int64], moment: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the token is covered at the moment.

        AMBIGUOUS: both ends are read as included: from signal_at of the first row to newest signal_at + 3
        bars.
        """
        distinct, where = np.unique(token_id, return_inverse=True)
        never = np.iinfo(np.int64).max
        first = np.array([self.first_row.get(int(t), never) for t in distinct], dtype=np.int64)[where]
        is_before_end = True if self.newest_row is None else moment <= self.newest_row + COVERAGE_BARS * self.step
        return (moment >= first) & is_before_end


def usable_rows(signals: pd.DataFrame) -> pd.DataFrame:
    """Rows whose bar has closed.
    AMBIGUOUS: a preliminary row is read as no evidence of anything, coverage included.
    """
    return signals[signals["revision"] == 0]


def build_coverage(
    signals: pd.DataFrame, vendor: str, timeframe: str, tokens: pd.DataFrame, *, is_events: bool
) -> Coverage:
    """Coverage of one vendor and timeframe.

    Events: "every scored token, from the vendor's first row of that timeframe on (an alert chooses among all)".
    """
    rows = usable_rows(signals)
    rows = rows[(rows["vendor"] == vendor) & (rows["timeframe"] == timeframe)]
    if is_events:
        vendors_first = int(as_int(rows["signal_at"]).min())
        scored = tokens.loc[tokens["is_scored"], "token_id"]
        return Coverage(dict.fromkeys((int(t) for t in scored), vendors_first), None, TIMEFRAME_US[timeframe])
    first = rows.groupby("token_id")["signal_at"].min()
    return Coverage(
        first_row=dict(zip((int(t) for t in first.index), as_int(first).tolist(), strict=True)),
        newest_row=int(as_int(rows["signal_at"]).max()),
        step=TIMEFRAME_US[timeframe],
    )


def stance_of_rows(rows: pd.DataFrame) -> NDArray[np.int64]:
    """coalesce(trend, direction)"""
    return rows["trend"].where(rows["trend"].notna(), rows["direction"]).to_numpy(dtype=np.float64).astype(np.int64)


def build_calls(signals: pd.DataFrame, tokens: pd.DataFrame, *, is_events: bool) -> pd.DataFrame:
    """One row a call.

    AMBIGUOUS: a call of events has a side before it only where a row of its token was known; else it and `after_gap`
    are NULL.
    """
    rows = usable_rows(signals).sort_values(["vendor", "timeframe", "token_id", "signal_at"], ignore_index=True)
    side = stance_of_rows(rows)
    direction = rows["direction"].to_numpy(dtype=np.int64)
    signal_at, known_at = as_int(rows["signal_at"]), as_int(rows["known_at"])
    step = rows["timeframe"].map(TIMEFRAME_US).to_numpy(dtype=np.int64)
    group = rows.groupby(["vendor", "timeframe", "token_id"], sort=False).ngroup().to_numpy()

    previous = _previous_known_row(group, known_at)
    has_previous = previous >= 0
    side_before = np.where(has_previous, side[previous], 0)
    previous_at = np.where(has_previous, signal_at[previous], NEVER)
    # A row with no earlier row known by then was the token's first row when it became known: never a call.
    is_call = has_previous & (direction != 0) & (direction != side_before)
    if is_events:
        is_call = direction != 0

    calls = rows[is_call][
        ["vendor", "token_id", "timeframe", "signal_at", "direction", "provenance", "known_at"]
    ].copy()
    calls["direction"] = direction[is_call]
    calls["side_before"] = pd.array(side_before[is_call], dtype="Int64")
    calls.loc[~has_previous[is_call], "side_before"] = pd.NA
    calls["previous_signal_at"] = as_moment(previous_at[is_call])
    calls["after_gap"] = pd.array((signal_at - previous_at > step)[is_call], dtype="boolean")
    calls.loc[~has_previous[is_call], "after_gap"] = pd.NA
    calls = calls.merge(tokens[["token_id", "symbol", "sector"]], on="token_id", how="left")
    return calls.sort_values(["vendor", "timeframe", "token_id", "signal_at"], ignore_index=True)


def first_rows(rows: pd.DataFrame, *, is_events: bool) -> NDArray[np.bool_]:
    """Whether no earlier row of its token was known when a row of one vendor and timeframe became known.

    Rows are sorted by token and signal_at. Of events no row is kept from being a call by that.
    """
    if is_events:
        return np.zeros(len(rows), dtype=bool)
    group = rows.groupby("token_id", sort=False).ngroup().to_numpy()
    return _previous_known_row(group, as_int(rows["known_at"])) < 0


def _previous_known_row(group: NDArray[np.int64], known_at: NDArray[np.int64]) -> NDArray[np.int64]:
    """For rows sorted by group and signal_at: the nearest earlier row of the group known no later; -1 where
    none.
    """
    n = len(group)
    previous = np.arange(n) - 1
    previous[0:1] = -1
    previous[1:][group[1:] != group[:-1]] = -1
    late = np.flatnonzero((previous >= 0) & (known_at[previous] > known_at))
    for i in late:
        j = i - 1
        while j >= 0 and group[j] == group[i] and known_at[j] > known_at[i]:
            j -= 1
        previous[i] = j if j >= 0 and group[j] == group[i] else -1
    return previous


def stance_on_spine(signals: pd.DataFrame, vendor: str, spine: Spine, *, is_events: bool) -> NDArray[np.int64]:
    """The stance of a vendor over every spine bar of a timeframe (0: none).

    A row's stance begins at signal_at + timeframe and lasts until the token's next row begins its own.
    AMBIGUOUS: "until 2 bars after the newest signal_at" is a half-open interval, so the last bar that has a
    stance is the one that starts at newest + 1 bar.
    AMBIGUOUS: "stances never cross a segment's end": a stance holds only in the segment in which it began;
    one that begins with the first bar of a segment belongs to it, like a window with that entry.
    Events: "until the token's next row or `expires_at` alone".
    AMBIGUOUS: the last bar of an expiring stance is the one that begins before `expires_at`.
    """
    rows = usable_rows(signals)
    rows = rows[(rows["vendor"] == vendor) & (rows["timeframe"] == spine.timeframe)]
    stance = np.zeros(len(spine), dtype=np.int64)
    if rows.empty:
        return stance
    silent_from = int(as_int(rows["signal_at"]).max()) + STANCE_BARS * spine.step
    for token_id, token_rows in rows.groupby("token_id"):
        begin, end = np.searchsorted(spine.token_id, [token_id, token_id + 1])
        if begin == end:
            continue
        ordered = token_rows.sort_values("signal_at")
        begins_at = as_int(ordered["signal_at"]) + spine.step
        side = stance_of_rows(ordered)
        bars = slice(begin, end)
        moment = spine.bar_start[bars]
        row = np.searchsorted(begins_at, moment, side="right") - 1
        in_force = (row >= 0) & (begins_at[row] >= spine.bar_start[spine.first[bars]])
        if is_events:
            expires_at = as_int(ordered["expires_at"])
            in_force &= (expires_at[row] == NEVER) | (moment < expires_at[row])
        else:
            in_force &= moment < silent_from
        stance[bars] = np.where(in_force, side[row], 0)
    return stance
