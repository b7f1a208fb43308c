"""What became of every row and every call (contract, section 4: "Nothing goes without a word").

The folder that the oracle reads has no row that a gate would quarantine.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from .bars import Spine
from .calls import first_rows
from .clock import DAY, as_int

FUNNEL_COLUMNS = ["vendor", "timeframe", "step", "reason", "part_of", "horizon", "n_rows"]
HEADLINE = {"1d": 7, "1h": 24}  # contract, section 1; "else the second"
SEASONING_DAYS = 7


def build_funnel(
    signals: pd.DataFrame,
    superseded: pd.Series,
    calls: pd.DataFrame,
    outcomes: pd.DataFrame,
    tokens: pd.DataFrame,
    spines: dict[str, Spine],
    horizons: dict[str, list[int]],
    *,
    is_events: bool,
) -> pd.DataFrame:
    """`marts.signal_funnel` of a folder of good rows."""
    rows: list[dict[str, object]] = []
    for (vendor, timeframe), delivered in signals.groupby(["vendor", "timeframe"]):
        if timeframe not in horizons:
            continue
        closed = delivered[delivered["revision"] == 0]
        is_first = first_rows(closed, is_events=is_events)
        of_pair = calls[(calls["vendor"] == vendor) & (calls["timeframe"] == timeframe)]
        sided = closed["direction"] != 0
        is_call = closed.set_index(["token_id", "signal_at"]).index.isin(
            of_pair.set_index(["token_id", "signal_at"]).index
        )
        counts = {
            "preliminary": int((delivered["revision"] < 0).sum()),
            "neutral": int((~sided).sum()),
            "first_of_token": int((sided & is_first).sum()),
            "repeated_side": int((sided & ~is_first & ~is_call).sum()),
            "call": len(of_pair),
        }
        key = {"vendor": vendor, "timeframe": timeframe, "reason": None, "horizon": pd.NA}
        n_superseded = int(superseded[vendor, timeframe])
        if n_superseded:
            counts["superseded"] = n_superseded
        rows.append(key | {"step": "delivered", "part_of": None, "n_rows": len(delivered) + n_superseded})
        rows += [key | {"step": step, "part_of": "delivered", "n_rows": n} for step, n in counts.items()]
        rows += _of_calls(key, outcomes, tokens, spines.get(str(timeframe)), headline(str(timeframe), horizons))
    table = pd.DataFrame(rows, columns=FUNNEL_COLUMNS)
    return table.astype({"horizon": "Int64", "n_rows": "int64"})


def headline(timeframe: str, horizons: dict[str, list[int]]) -> int:
    """The headline horizon of a timeframe (contract, section 1)."""
    ascending = sorted(horizons[timeframe])
    wanted = HEADLINE.get(timeframe)
    return wanted if wanted in ascending else ascending[1]


def _of_calls(
    key: dict[str, object], outcomes: pd.DataFrame, tokens: pd.DataFrame, spine: Spine | None, horizon: int
) -> list[dict[str, object]]:
    """The steps of the calls: scored, open, unpriced and excluded, with their reasons."""
    found = outcomes[
        (outcomes["vendor"] == key["vendor"])
        & (outcomes["timeframe"] == key["timeframe"])
        & (outcomes["horizon"] == horizon)
        & (outcomes["entry_rule"] == "next_open")
    ]
    is_scored = dict(zip(tokens["token_id"], tokens["is_scored"], strict=True))
    steps = []
    for token, entry_at, status in zip(found["token_id"], as_int(found["entry_at"]), found["status"], strict=True):
        bars = None if spine is None else np.flatnonzero(spine.token_id == token)
        match status:
            case "matured" | "truncated":
                steps.append(("scored", None))
            case "open":
                steps.append(("open", None))
            case "unpriced" if spine is None:
                steps.append(("unpriced", "no_prices_of_timeframe"))
            case "unpriced":
                assert bars is not None
                steps.append(("unpriced", "no_bar_at_entry" if len(bars) else "no_prices_of_token"))
            case _:
                assert spine is not None and bars is not None
                (bar,) = bars[spine.bar_start[bars] == entry_at]
                if not is_scored[token]:
                    reason = "token_not_scored"
                elif entry_at < spine.bar_start[bars[0]] + SEASONING_DAYS * DAY:
                    reason = "seasoning"
                else:
                    reason = "entry_bar_filled" if spine.is_filled[bar] else "too_many_filled_bars"
                steps.append(("excluded", reason))
    counted = pd.Series(steps, dtype=object).value_counts()
    return [
        key | {"step": step, "reason": reason, "part_of": "call", "horizon": horizon, "n_rows": int(n)}
        for (step, reason), n in counted.items()
    ]
