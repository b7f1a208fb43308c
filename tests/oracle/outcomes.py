"""Outcomes of calls, and the matched base (contract, sections 4 and 6)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .bars import Spine
from .calls import Coverage
from .clock import NEVER, as_int, as_moment, bar_at_or_after
from .hits import returns_and_hits
from .windows import STATUS, Windows

OUTCOME_COLUMNS = [
    "vendor", "token_id", "timeframe", "signal_at", "entry_rule", "horizon", "symbol", "sector", "direction",
    "provenance", "known_at", "after_gap", "entry_at", "entry_price", "exit_at", "exit_price", "price_source",
    "status", "gross_return", "net_return", "hit", "mae", "mfe", "max_drawdown", "is_wiped_out", "n_base",
    "base_hit", "base_return",
]  # fmt: skip
MIN_BASE = 3


def plan_entries(calls: pd.DataFrame, step: int) -> pd.DataFrame:
    """One row per call and entry rule with `entry_at` (int64), the moment the rule names, bar or no bar.

    AMBIGUOUS: both rules name a moment of the timeframe's grid. Where that moment has no bar the call is
    excluded (filled bar), `open` or `unpriced`; the rule does not search for the next bar that exists.
    """
    signal_at, known_at = as_int(calls["signal_at"]), as_int(calls["known_at"])
    next_open = signal_at + step  # signal_at is a bar_start: signal_at + timeframe
    first_open_known = bar_at_or_after(known_at, step)
    best = calls.assign(entry_rule="next_open", entry_at_us=next_open)
    could = calls.assign(entry_rule="tradable", entry_at_us=np.maximum(next_open, first_open_known))
    could = could[could["provenance"].isin(["witnessed", "attested"])]
    return pd.concat([best, could], ignore_index=True)


def source_at_entry(entries: pd.DataFrame, prices: pd.DataFrame) -> NDArray[np.object_]:
    """The price source in use at each entry.

    AMBIGUOUS: where the moment has no bar, that of the bar before it, or of the token's first.
    """
    found: list[object] = []
    of_token = {int(token): rows for token, rows in prices.groupby("token_id")}
    for token, entry_at in zip(entries["token_id"], entries["entry_at_us"], strict=True):
        rows = of_token.get(int(token))
        if rows is None:
            found.append(None)
            continue
        firsts = rows.sort_values("bar_start").drop_duplicates("stretch")
        place = int(np.searchsorted(as_int(firsts["bar_start"]), entry_at, side="right")) - 1
        source = firsts["price_source"].iloc[max(place, 0)]
        found.append(source if isinstance(source, str) else None)
    return np.array(found, dtype=object)


def build_outcomes(
    entries: pd.DataFrame,
    spine: Spine,
    all_windows: list[Windows],
    sources: NDArray[np.object_],
    cost_bps: float,
) -> pd.DataFrame:
    """The outcomes of the entries of one timeframe at every horizon, without the base."""
    entry_at = entries["entry_at_us"].to_numpy(dtype=np.int64)
    token_id = entries["token_id"].to_numpy(dtype=np.int64)
    direction = entries["direction"].to_numpy(dtype=np.int64)
    position = spine.position_of(token_id, entry_at)
    has_bar = position >= 0
    can_come = ~has_bar & _may_still_come(spine, token_id, entry_at)

    parts = []
    for windows in all_windows:
        status = np.where(has_bar, STATUS[windows.status[position]], np.where(can_come, "open", "unpriced"))
        scored = has_bar & windows.is_scored[position]
        entry_price = np.where(has_bar, windows.entry_price[position], np.nan)
        exit_price = np.where(has_bar, windows.exit_price[position], np.nan)
        # AMBIGUOUS: without an entry bar `entry_at` is the moment the rule names and `exit_at` the scheduled
        # end while the call is open, NULL once it is unpriced.
        exit_at = np.where(
            has_bar,
            windows.exit_at[position],
            np.where(can_come, entry_at + windows.horizon * spine.step, NEVER),
        )
        gross, net, hit = returns_and_hits(entry_price, np.where(scored, exit_price, np.nan), direction, cost_bps)
        low, high = windows.lowest[position] / entry_price - 1, windows.highest[position] / entry_price - 1
        is_long = direction > 0
        mae = np.minimum(0.0, np.where(is_long, low, -high))
        mfe = np.maximum(0.0, np.where(is_long, high, -low))
        drawdown = np.where(is_long, windows.drawdown_long[position], windows.drawdown_short[position])
        wiped = np.where(is_long, windows.lowest[position] <= 0, windows.highest[position] >= 2 * entry_price)

        part = entries.drop(columns="entry_at_us").copy()
        part["horizon"] = windows.horizon
        part["entry_at"] = as_moment(entry_at)
        part["entry_price"] = entry_price
        part["exit_at"] = as_moment(exit_at)
        part["exit_price"] = exit_price
        part["price_source"] = sources
        part["status"] = status
        part["gross_return"] = gross
        part["net_return"] = net
        part["hit"] = _nullable_bool(hit, scored)
        part["mae"] = np.where(scored, mae, np.nan)
        part["mfe"] = np.where(scored, mfe, np.nan)
        part["max_drawdown"] = np.where(scored, drawdown, np.nan)
        part["is_wiped_out"] = _nullable_bool(wiped, scored)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def unpriced_outcomes(entries: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """The outcomes of one horizon where the timeframe has not a single bar: all calls are unpriced."""
    n = len(entries)
    part = entries.drop(columns="entry_at_us").copy()
    part["horizon"] = horizon
    part["entry_at"] = as_moment(entries["entry_at_us"].to_numpy(dtype=np.int64))
    part["exit_at"] = as_moment(np.full(n, NEVER))
    part["status"] = "unpriced"
    unknown = _nullable_bool(np.zeros(n, dtype=bool), np.zeros(n, dtype=bool))
    part["hit"], part["is_wiped_out"] = unknown, unknown
    part["n_base"] = pd.array([pd.NA] * n, dtype="Int64")
    part = part.reindex(columns=OUTCOME_COLUMNS)
    floats = ["entry_price", "exit_price", "gross_return", "net_return", "mae", "mfe", "max_drawdown"]
    floats += ["base_hit", "base_return"]
    part[floats] = part[floats].astype(np.float64)
    return part


def _nullable_bool(value: NDArray[np.bool_], known: NDArray[np.bool_]) -> pd.arrays.BooleanArray:
    return pd.arrays.BooleanArray(np.asarray(value, dtype=bool).copy(), ~known)


def _may_still_come(spine: Spine, token_id: NDArray[np.int64], entry_at: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the entry bar may still come: the last segment has not ended and the entry lies after its last bar."""
    tail = np.flatnonzero(np.append(spine.token_id[1:] != spine.token_id[:-1], True))
    last_bar = {int(spine.token_id[p]): (int(spine.bar_start[p]), bool(spine.has_ended[p])) for p in tail}
    found = [last_bar.get(int(t), (0, True)) for t in token_id]
    after = entry_at > np.array([bar for bar, _ in found], dtype=np.int64)
    return after & ~np.array([ended for _, ended in found], dtype=bool)


# --- the base ----------------------------------------------------------------------------------------------


def no_window_hits() -> pd.DataFrame:
    """`window_hits` of a timeframe without bars, with the sector."""
    columns = ["token_id", "entry_at", "hit_long", "hit_short", "net_long", "net_short", "sector"]
    return pd.DataFrame({name: pd.Series(dtype=np.int64) for name in columns})


def window_hits(windows: Windows, cost_bps: float) -> pd.DataFrame:
    """Every scored window of a timeframe and horizon judged in both directions."""
    at = np.flatnonzero(windows.is_scored)
    entry, exit_ = windows.entry_price[at], windows.exit_price[at]
    ones = np.ones(len(at), dtype=np.int64)
    _, net_long, hit_long = returns_and_hits(entry, exit_, ones, cost_bps)
    _, net_short, hit_short = returns_and_hits(entry, exit_, -ones, cost_bps)
    return pd.DataFrame(
        {
            "token_id": windows.spine.token_id[at],
            "entry_at": windows.entry_at[at],
            "hit_long": hit_long.astype(np.float64),
            "hit_short": hit_short.astype(np.float64),
            "net_long": net_long,
            "net_short": net_short,
        }
    )


def add_matched_base(outcomes: pd.DataFrame, hits: pd.DataFrame, coverage: Coverage) -> pd.DataFrame:
    """Add n_base, base_hit, base_return to the outcomes of one vendor, timeframe and horizon.

    `hits` are `window_hits` with the token's `sector`. The base are the windows of the other tokens of the
    sector that the vendor covered at `entry_at`: counts and sums of the whole sector, less the call's own
    window.
    AMBIGUOUS: an outcome that is not scored has no base (else the base of an open call would be made of the
    tokens that died first).
    """
    covered = hits[coverage.covers(hits["token_id"].to_numpy(), hits["entry_at"].to_numpy())]
    total = covered.groupby(["sector", "entry_at"])[["hit_long", "hit_short", "net_long", "net_short"]].sum()
    total["n"] = covered.groupby(["sector", "entry_at"]).size()
    own = covered.set_index(["token_id", "entry_at"])[["hit_long", "hit_short", "net_long", "net_short"]]

    scored = outcomes["status"].isin(["matured", "truncated"]).to_numpy()
    entry_at = as_int(outcomes["entry_at"])
    group = total.reindex(pd.MultiIndex.from_arrays([outcomes["sector"], entry_at])).fillna(0.0)
    mine = own.reindex(pd.MultiIndex.from_arrays([outcomes["token_id"], entry_at]))
    own_counts = mine["hit_long"].notna().to_numpy()
    is_long = outcomes["direction"].to_numpy() > 0
    n_base = group["n"].to_numpy() - own_counts

    def rest(name: str) -> NDArray[np.float64]:
        both = [
            (group[f"{name}_{d}"].to_numpy() - mine[f"{name}_{d}"].fillna(0.0).to_numpy()) for d in ("long", "short")
        ]
        return np.where(is_long, both[0], both[1])

    enough = scored & (n_base >= MIN_BASE)
    divisor = np.where(enough, n_base, np.nan)
    outcomes["n_base"] = pd.array(np.where(scored, n_base, 0).astype(np.int64), dtype="Int64")
    outcomes.loc[~scored, "n_base"] = pd.NA
    outcomes["base_hit"] = rest("hit") / divisor
    outcomes["base_return"] = rest("net") / divisor
    return outcomes
