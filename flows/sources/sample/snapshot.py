"""The vendor's snapshot at a moment: the rows known by then, each in its newest version known by then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_LENGTHS = {"1d": dt.timedelta(days=1), "1h": dt.timedelta(hours=1)}
_SIGNAL_KEY = ("token_id", "timeframe", "signal_at")


def snapshot_at(tables: Mapping[str, pa.Table], as_of: dt.datetime) -> dict[str, pa.Table]:
    """The tables as the vendor would have delivered them at `as_of` (UTC, no zone).

    Prices: bars that have ended. Signals, levels, grades, quantmetrics: rows with `known_at` at or before
    `as_of`, of each signal only the newest such version. Tokens: those with a price or a signal by then.
    """
    if as_of.tzinfo is not None:
        as_of = as_of.astimezone(dt.UTC).replace(tzinfo=None)
    snapshot = {
        name: table.filter(_is_known(table, as_of))
        for name, table in tables.items()
        if name not in ("tokens", "prices")
    }
    snapshot["signals"] = _newest_versions(snapshot["signals"])
    snapshot["prices"] = tables["prices"].filter(_has_ended(tables["prices"], as_of))
    seen = pa.chunked_array(
        [*snapshot["prices"]["token_id"].chunks, *snapshot["signals"]["token_id"].chunks], pa.int64()
    )
    snapshot["tokens"] = tables["tokens"].filter(pc.is_in(tables["tokens"]["token_id"], value_set=seen.unique()))
    return {name: snapshot[name] for name in tables}


def _is_known(table: pa.Table, as_of: dt.datetime) -> pa.ChunkedArray:
    return pc.less_equal(table["known_at"], pa.scalar(as_of, pa.timestamp("us")))


def _has_ended(prices: pa.Table, as_of: dt.datetime) -> pa.ChunkedArray:
    ended = None
    for timeframe, length in _LENGTHS.items():
        in_time = pc.less_equal(prices["bar_start"], pa.scalar(as_of - length, pa.timestamp("us")))
        these = pc.and_(pc.equal(prices["timeframe"], timeframe), in_time)
        ended = these if ended is None else pc.or_(ended, these)
    return ended


def _newest_versions(signals: pa.Table) -> pa.Table:
    """The last row of every key; `simulate` sorts versions by the moment they became known."""
    if signals.num_rows < 2:
        return signals
    is_last = np.zeros(signals.num_rows, dtype=bool)
    is_last[-1] = True
    for name in _SIGNAL_KEY:
        column = signals[name].combine_chunks()
        is_last[:-1] |= pc.not_equal(column[1:], column[:-1]).to_numpy(zero_copy_only=False)
    return signals.filter(pa.array(is_last))
