"""Bars without trade, and the one price source of a stretch (contract, section 3)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .clock import DAY, TIMEFRAME_US, as_int
from .gaps import tolerated_gap

TOLERANCE = 1e-6  # "prices are compared with a relative tolerance of 1e-6 where vendors round"
RUN_WITHOUT_VOLUME = 3 * DAY  # "from its fourth day on"
BEFORE_THE_GAP = 30 * DAY

KEYS = ["timeframe", "token_id", "label"]


def bars_with_trade(prices: pd.DataFrame) -> pd.DataFrame:
    """The bars that are bars; `label` is the source, `previous close` that of the bar before of the same source."""
    prices = prices.sort_values([*KEYS, "bar_start"], ignore_index=True)
    o, h, low, c = (prices[name].to_numpy(dtype=np.float64) for name in ("open", "high", "low", "close"))
    volume = prices["volume_usd"].to_numpy(dtype=np.float64)
    previous_close = prices.groupby(KEYS)["close"].shift().to_numpy(dtype=np.float64)
    still = _equal(o, c) & _equal(h, c) & _equal(low, c) & _equal(c, previous_close)
    still &= np.isnan(volume) | (volume == 0)
    # AMBIGUOUS: a run goes on over missing bars, and over bars of a volume of 0 among those of none.
    start = as_int(prices["bar_start"])
    run_started = pd.Series(np.where(still, start, np.nan)).groupby(np.cumsum(~still)).transform("min").to_numpy()
    is_late = start - np.nan_to_num(run_started, nan=0.0) >= RUN_WITHOUT_VOLUME
    without_trade = still & ((volume == 0) | is_late)
    return prices[~without_trade].reset_index(drop=True)


def one_source_a_stretch(bars: pd.DataFrame) -> pd.DataFrame:
    """The bars in use, with the number of their stretch in `stretch`."""
    kept = []
    for (timeframe, _), of_token in bars.groupby(["timeframe", "token_id"]):
        starts = {str(label): as_int(of_label["bar_start"]) for label, of_label in of_token.groupby("label", sort=True)}
        stretch = np.full(len(of_token), -1)
        at, label = as_int(of_token["bar_start"]), of_token["label"].to_numpy(dtype=object)
        in_use = _sources_in_use(starts, TIMEFRAME_US[str(timeframe)])
        for number, (name, begin) in enumerate(in_use):
            end = in_use[number + 1][1] if number + 1 < len(in_use) else np.iinfo(np.int64).max
            stretch[(label == name) & (at >= begin) & (at < end)] = number
        kept.append(of_token.assign(stretch=stretch)[stretch >= 0])
    return pd.concat(kept, ignore_index=True) if kept else bars.assign(stretch=0)


def _sources_in_use(starts: dict[str, NDArray[np.int64]], step: int) -> list[tuple[str, int]]:
    """Each source in use with the first bar of its stretch."""
    name = min(starts, key=lambda label: (starts[label][0], label))
    found = [(name, int(starts[name][0]))]
    tolerated = tolerated_gap(step)
    everything = np.unique(np.concatenate(list(starts.values())))
    while True:
        own = starts[name][starts[name] >= found[-1][1]]
        missing_after = np.diff(own, append=np.iinfo(np.int64).max) - step  # the last is followed by nothing
        for last in own[missing_after > tolerated]:
            # AMBIGUOUS: that the source has had no bar for more than 3 days shows at the first bar of any source
            # later than that; who takes over must have had a bar by then.
            later = everything[everything > last + tolerated]
            if not len(later):
                return found
            shown = later[0]
            back = own[own > last][:1]
            until = min(shown, back[0] - 1) if len(back) else shown
            others = {
                other: int(theirs[theirs > last][0])
                for other, theirs in starts.items()
                if other != name and np.any((theirs > last) & (theirs <= until))
            }
            if others:
                gap = last + step
                busy = {o: int(np.sum((starts[o] >= gap - BEFORE_THE_GAP) & (starts[o] < gap))) for o in others}
                name = sorted(others, key=lambda other: (-busy[other], other))[0]
                found.append((name, others[name]))
                break
        else:
            return found


def _equal(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.abs(a - b) <= TOLERANCE * np.maximum(np.abs(a), np.abs(b))
