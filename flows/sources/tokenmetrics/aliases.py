"""One name for each field, whatever the version, the month or the letter case in which the vendor wrote it."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

# Two keys of one row that differ in case alone, and mean different things.
EXACT = {"tm_link": "tm_slug", "TM_LINK": "tm_link"}

# Other names of the same thing, after the folding of `canonical`.
ALIASES = {
    "app_link": "tm_link",
    "slug": "tm_slug",
    "symbol": "token_symbol",
    "name": "token_name",
    "datetime": "timestamp",
    "scenario_prediction": "scenario_analysis",
    "forecasts_for_next_7d_days": "forecasts_for_next_7_days",
}
# Names that mean something else at this endpoint than their alias does elsewhere.
OWN_NAMES = {"indices": ("name", "symbol")}

# The field of the moment, at endpoints that have called it by several names.
MOMENTS = {"hourly-ohlcv": "timestamp", "hourly-trading-signals": "timestamp", "daily-ohlcv": "date"}


@lru_cache(maxsize=4096)
def canonical(name: str, endpoint: str = "", *, is_lower_row: bool = False) -> str:
    """Our name for a field: lower case, `24_h` read as `24h`, aliases resolved.

    `is_lower_row` marks a row of v3, all in lower case, where `tm_link` cannot be the slug.
    """
    if name in EXACT and not is_lower_row:
        return EXACT[name]
    folded = re.sub(r"_(\d+)_([hdm])(?=_|$)", r"_\1\2", name.strip().lower())
    moment = MOMENTS.get(endpoint)
    if moment and folded in ("date", "timestamp", "datetime"):
        return moment
    if folded in OWN_NAMES.get(endpoint, ()):
        return folded
    return ALIASES.get(folded, folded)


def folded(row: Mapping[str, Any], endpoint: str = "") -> dict[str, Any]:
    """A row under our names; where two of its fields share one, the first that is not null wins."""
    known: dict[str, Any] = {}
    for ours, value in zip(our_names(tuple(row), endpoint), row.values(), strict=True):
        if known.get(ours) is None:
            known[ours] = value
    return known


@lru_cache(maxsize=1024)
def our_names(names: tuple[str, ...], endpoint: str = "") -> tuple[str, ...]:
    """Our names for the fields of a row, in their order: rows of one endpoint nearly all have the same."""
    is_lower_row = "token_id" in names and "TOKEN_ID" not in names
    return tuple(canonical(name, endpoint, is_lower_row=is_lower_row) for name in names)
