"""An independent oracle: the contract's numbers, computed a second time in pandas and NumPy.

It is written from the contract (sections 1-7 and 10) alone and shares no code with the product. Places where
the contract leaves a choice are marked AMBIGUOUS.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from .bars import Spine, build_spine, spine_table
from .calls import build_calls, build_coverage, stance_on_spine
from .clock import DEFAULT_HORIZONS, TIMEFRAME_US, moment_us
from .equity import DRAWDOWN_COLUMNS, EQUITY_COLUMNS, build_book, build_curves
from .funnel import build_funnel
from .outcomes import (
    OUTCOME_COLUMNS,
    add_matched_base,
    build_outcomes,
    plan_entries,
    source_at_entry,
    unpriced_outcomes,
    window_hits,
)
from .ranking import build_ranking
from .read import Inputs, read_inputs
from .scorecards import build_scorecards
from .windows import Windows, build_windows, window_table

__all__ = ["DEFAULT_HORIZONS", "score"]


def score(
    folder: Path,
    *,
    as_of: datetime,
    fetched_at: datetime,
    vendor: str | None = None,
    cost_bps: float = 20,
    horizons: dict[str, list[int]] = DEFAULT_HORIZONS,
    sectors_csv: Path,
    exclusions_csv: Path,
) -> dict[str, pd.DataFrame]:
    """Score a folder as one run at `as_of` with one snapshot, fetched at `fetched_at` by our own clock.

    Keys: token, spine_bar, forward_window, call, signal_outcome, signal_funnel, signal_scorecard, token_scorecard,
    vendor_ranking, sector_equity, sector_drawdown. Moments are naive UTC datetime64[us]; NULL is NaN, NaT or pd.NA.
    """
    inputs = read_inputs(
        Path(folder),
        moment_us(as_of),
        moment_us(fetched_at),
        vendor,
        sectors_csv=Path(sectors_csv),
        exclusions_csv=Path(exclusions_csv),
    )
    tokens = inputs.tokens
    sector_of = tokens.set_index("token_id")["sector"]
    scored_of = tokens.set_index("token_id")["is_scored"]

    spines: dict[str, Spine] = {}
    windows: dict[str, list[Windows]] = {}
    for timeframe, of_timeframe in horizons.items():
        spine = build_spine(inputs.prices, timeframe)
        if spine is not None:
            spines[timeframe] = spine
            scored_token = scored_of.reindex(spine.token_id).to_numpy(dtype=bool)
            windows[timeframe] = build_windows(spine, sorted(of_timeframe), scored_token)

    hits_of = {
        (timeframe, w.horizon): window_hits(w, cost_bps).assign(
            sector=lambda hits: hits["token_id"].map(sector_of).to_numpy(dtype=object)
        )
        for timeframe, of_timeframe in windows.items()
        for w in of_timeframe
    }
    is_events = inputs.is_events
    calls = build_calls(inputs.signals, tokens, is_events=is_events)
    usable = inputs.signals[(inputs.signals["revision"] == 0) & inputs.signals["timeframe"].isin(list(horizons))]
    pairs = sorted(set(zip(usable["vendor"], usable["timeframe"], strict=True)))
    coverage_of = {pair: build_coverage(inputs.signals, *pair, tokens, is_events=is_events) for pair in pairs}

    outcomes = _score_calls(
        inputs,
        calls=calls,
        spines=spines,
        windows=windows,
        hits_of=hits_of,
        coverage_of=coverage_of,
        horizons=horizons,
        cost_bps=cost_bps,
    )
    signal_scorecard, token_scorecard = build_scorecards(outcomes, hits_of, coverage_of, tokens)

    curves = [pd.DataFrame(columns=EQUITY_COLUMNS)]
    deepest = [pd.DataFrame(columns=DRAWDOWN_COLUMNS)]
    for (vendor_name, timeframe), coverage in coverage_of.items():
        if timeframe not in spines:
            continue
        spine = spines[timeframe]
        book = build_book(
            spine,
            coverage,
            stance_on_spine(inputs.signals, vendor_name, spine, is_events=is_events),
            sector_of.reindex(spine.token_id).to_numpy(dtype=object),
            scored_of.reindex(spine.token_id).to_numpy(dtype=bool),
        )
        curve, drawdown = build_curves(book, vendor_name, cost_bps)
        curves.append(curve)
        deepest.append(drawdown)

    return {
        "token": tokens,
        "spine_bar": _stack([spine_table(spine) for spine in spines.values()]),
        "forward_window": _stack([window_table(w) for ws in windows.values() for w in ws]),
        "call": calls,
        "signal_outcome": outcomes,
        "signal_funnel": build_funnel(
            inputs.signals, inputs.superseded, calls, outcomes, tokens, spines, horizons, is_events=is_events
        ),
        "signal_scorecard": signal_scorecard,
        "token_scorecard": token_scorecard,
        "vendor_ranking": build_ranking(signal_scorecard, coverage_of, horizons),
        "sector_equity": _stack(curves),
        "sector_drawdown": _stack(deepest),
    }


def _score_calls(
    inputs: Inputs,
    *,
    calls: pd.DataFrame,
    spines: dict[str, Spine],
    windows: dict[str, list[Windows]],
    hits_of: dict[tuple[str, int], pd.DataFrame],
    coverage_of: dict,
    horizons: dict[str, list[int]],
    cost_bps: float,
) -> pd.DataFrame:
    """`marts.signal_outcome`."""
    parts = [pd.DataFrame(columns=OUTCOME_COLUMNS)]
    for (vendor, timeframe), of_pair in calls.groupby(["vendor", "timeframe"]):
        step = TIMEFRAME_US[timeframe]
        entries = plan_entries(of_pair, step)
        if timeframe not in spines:
            parts += [unpriced_outcomes(entries, horizon) for horizon in horizons.get(timeframe, [])]
            continue
        spine = spines[timeframe]
        sources = source_at_entry(entries, inputs.prices[inputs.prices["timeframe"] == timeframe])
        outcomes = build_outcomes(entries, spine, windows[timeframe], sources, cost_bps)
        for horizon, part in outcomes.groupby("horizon"):
            hits = hits_of[timeframe, int(horizon)]
            parts.append(add_matched_base(part.copy(), hits, coverage_of[vendor, timeframe])[OUTCOME_COLUMNS])
    table = _stack(parts)
    table["horizon"] = table["horizon"].astype(np.int64)
    keys = ["vendor", "token_id", "timeframe", "signal_at", "entry_rule", "horizon"]
    return table.sort_values(keys, ignore_index=True)


def _stack(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate frames, without empty ones unless all are empty."""
    full = [part for part in parts if len(part)]
    return pd.concat(full or parts[:1], ignore_index=True)
