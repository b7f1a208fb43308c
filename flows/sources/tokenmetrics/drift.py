"""Drift of the vendor's answers: fields that are new, have vanished or were renamed."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from flows.home import journal
from flows.sources.tokenmetrics.aliases import canonical
from flows.sources.tokenmetrics.endpoints import Endpoint

KIND = "drift"
LOOKS_ALIKE = 0.6
EXAMPLE_LETTERS = 120


@dataclass(frozen=True)
class Drift:
    """One field of one endpoint that has changed: `new`, `vanished` or `renamed`, in so many rows.

    `not_in_plan` and `gone` are about the whole endpoint, and have no field.
    """

    endpoint: str
    field: str | None
    what: str
    n_rows: int
    example: str | None

    def __str__(self) -> str:
        """The sentence that an operator reads."""
        match self.what:
            case "new":
                return (
                    f"{self.endpoint}: {self.field} is new, in {self.n_rows} rows, e.g. {self.example}. It is kept raw."
                )
            case "vanished":
                return f"{self.endpoint}: {self.field} is in none of {self.n_rows} rows any more."
            case "renamed":
                return f"{self.endpoint}: {self.field} seems to go by another name now: {self.example}."
            case _:
                return str(self.example)


class Fields:
    """The fields of an endpoint's rows, counted as they come."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        # Nearly all rows of an endpoint have the same fields: shapes are counted, not fields.
        self._shapes: Counter[tuple[str, ...]] = Counter()
        self._examples: dict[str, str] = {}

    def count(self, rows: list[Any]) -> None:
        """Take rows in."""
        shapes = Counter(tuple(row) for row in rows if isinstance(row, dict))
        if shapes.keys() - self._shapes.keys():
            for row in rows:
                if isinstance(row, dict):
                    for name in row.keys() - self._examples.keys():
                        self._examples[name] = json.dumps(row[name])[:EXAMPLE_LETTERS]
        self._shapes += shapes

    @property
    def n_rows(self) -> int:
        """Rows that came."""
        return self._shapes.total()

    @property
    def n_names(self) -> int:
        """Different fields that came."""
        return len(self._names())

    def _names(self) -> Counter[str]:
        """The fields and the number of rows that have each."""
        names: Counter[str] = Counter()
        for shape, n_rows in self._shapes.items():
            names.update(dict.fromkeys(shape, n_rows))
        return names

    def drift(self) -> list[Drift]:
        """What is new, gone or renamed against the catalogue; nothing where there were no rows."""
        names = self._names()
        if not names:
            return []
        is_lower = "token_id" in names and "TOKEN_ID" not in names
        found = {canonical(name, self._endpoint.name, is_lower_row=is_lower): name for name in names}
        expected = set(self._endpoint.fields)
        gone = sorted(expected - found.keys() - set(OPTIONAL.get(self._endpoint.name, ())))
        new = sorted(found.keys() - expected - KNOWN_EXTRAS)
        renamed = _pairs(gone, new)
        name = self._endpoint.name
        found_drift = [Drift(name, old, "renamed", names[found[to]], found[to]) for old, to in renamed.items()]
        found_drift += [Drift(name, one, "vanished", self.n_rows, None) for one in gone if one not in renamed]
        found_drift += [
            Drift(name, found[one], "new", names[found[one]], self._examples[found[one]])
            for one in new
            if one not in renamed.values()
        ]
        return found_drift


# Fields of some plans, or of v3 alone: neither their presence nor their absence is drift.
KNOWN_EXTRAS = frozenset(
    (
        *("token_id", "token_symbol", "token_name", "tm_link", "tm_slug", "token_signal_str", "token_trend_str"),
        *("tm_grade", "tm_grade_signal", "fundamental_grade", "fundamental_grade_class", "trading_signal", "date"),
        *("exchange_list", "category_list", "contract_address", "price", "current_price", "market_cap", "total_volume"),
        *("fully_diluted_valuation", "circulating_supply", "total_supply", "max_supply", "high_24h", "low_24h"),
        *("price_change_percentage_24h_in_currency", "resistance_1", "resistance_2", "resistance_3"),
        *("support_1", "support_2", "support_3", "rect_signal", "btc_price", "btc_market_cap", "alts_market_cap"),
        *("alts_indicator", "vol_index", "vol_10", "vol_90", "above_ma"),
    )
)
# Expected fields that some plans, months or versions leave out.
OPTIONAL = {
    "top-market-cap-tokens": ("exchange_list", "category_list"),
    "tokens": ("exchange_list", "category_list", "contract_address", "tm_link"),
    "trading-signals": ("tm_slug", "tm_trader_grade", "tm_investor_grade"),
    "tm-grade-history": ("trading_signal",),
    "fundamental-grade": ("defi_scanner_score",),
    "technology-grade": ("date",),
    "trader-grades": ("token_symbol",),
    "price-prediction": ("token_symbol", "price_prediction"),
    "indices-performance": ("id",),
}


def record(home: Path, run_id: str | None, found: Iterable[Drift]) -> None:
    """Append what was found to `journal/drift.jsonl`, from which `ops.drift` is filled."""
    for one in found:
        journal.append(home, KIND, run_id=run_id, source="tokenmetrics", **vars(one))


def _pairs(gone: list[str], new: list[str]) -> dict[str, str]:
    """Vanished names, each with the new one most similar to it."""
    pairs: dict[str, str] = {}
    for old in gone:
        alike = {one: SequenceMatcher(None, old, one).ratio() for one in new if one not in pairs.values()}
        best = max(alike, key=lambda one: alike[one], default=None)
        if best is not None and alike[best] >= LOOKS_ALIKE:
            pairs[old] = best
    return pairs
