"""Moments and timeframes: everything inside the oracle is an int64 count of microseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SECOND = 1_000_000
DAY = 86_400 * SECOND
WEEK = 7 * DAY
TIMEFRAME_US = {"1h": 3_600 * SECOND, "1d": DAY, "15m": 900 * SECOND, "4h": 14_400 * SECOND, "1w": WEEK}

MONDAY = 4 * DAY  # 1970-01-05: contract, section 1: "`1w` (from Monday)"

DEFAULT_HORIZONS = {"1d": [1, 7, 14, 30, 90], "1h": [1, 4, 24, 72, 168]}  # contract, section 1

NEVER = np.iinfo(np.int64).min  # NaT as int64


def moment_us(moment: datetime) -> int:
    """A Python datetime (naive means UTC) in microseconds."""
    stamp = pd.Timestamp(moment)
    if stamp.tzinfo is not None:
        stamp = stamp.tz_convert(UTC).tz_localize(None)
    return (stamp - pd.Timestamp(0)) // pd.Timedelta(microseconds=1)


def bar_at_or_before(moment: NDArray[np.int64], step: int) -> NDArray[np.int64]:
    """The start of the bar that holds the moment: weeks begin on Mondays, shorter bars at multiples since midnight."""
    first = MONDAY if step == WEEK else 0
    return (moment - first) // step * step + first


def bar_at_or_after(moment: NDArray[np.int64], step: int) -> NDArray[np.int64]:
    """The first bar that starts at the moment or later."""
    return bar_at_or_before(moment + step - 1, step)


def column_us(column: pd.Series) -> pd.Series:
    """A column of dates, datetimes (zoned or not) or text as naive UTC datetime64[us]."""
    parsed = pd.to_datetime(column, utc=True, format="ISO8601" if column.dtype.kind not in "M" else None)
    return parsed.dt.tz_localize(None).dt.as_unit("us")


def as_int(column: pd.Series) -> NDArray[np.int64]:
    """datetime64[us] column to int64 microseconds; NaT becomes NEVER."""
    return column.to_numpy(dtype="datetime64[us]").astype(np.int64)


def as_moment(values: NDArray[np.int64]) -> NDArray[np.datetime64]:
    """int64 microseconds to datetime64[us]; NEVER becomes NaT."""
    return np.asarray(values, dtype=np.int64).astype("datetime64[us]")
