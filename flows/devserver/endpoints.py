"""The endpoints: their parameters, and the names of their columns in v2 and in v3.

The selects of `sql/` name their columns in lower snake case. v2 has them in upper case and v3 in lower case, with the
exceptions given here; None is a column that the version does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Version = Literal["v2", "v3"]
Names = Mapping[str, str | None]

FILTERS = frozenset({"token_id", "symbol", "category", "exchange", "marketcap", "volume", "fdv"})
TOKEN = frozenset({"token_id", "symbol", "token_name"})
DATES = frozenset({"startDate", "endDate"})
V3_FILTERS = frozenset({"token_name", "slug"})


@dataclass(frozen=True)
class Endpoint:
    """One endpoint.

    `moment` is the column of a row's date or time, `stamp` its format. `needs`: parameters without which it answers
    400. `equals` and `minima` filter a column by a parameter.
    """

    takes: frozenset[str]
    moment: str | None = None
    stamp: Literal["iso", "plain"] = "iso"
    v2: Names = field(default_factory=dict)
    v3: Names = field(default_factory=dict)
    needs: Mapping[Version, str] = field(default_factory=dict)
    equals: Mapping[str, str] = field(default_factory=dict)
    minima: Mapping[str, str] = field(default_factory=dict)
    is_ohlcv: bool = False
    versions: tuple[Version, ...] = ("v2", "v3")

    def names(self, version: Version) -> Names:
        """The names of this version's columns that do not follow the rule."""
        return self.v2 if version == "v2" else self.v3

    def accepts(self, version: Version) -> frozenset[str]:
        """The parameters that this version knows, without those of paging."""
        return self.takes | V3_FILTERS if version == "v3" and self.takes & TOKEN else self.takes


LEVELS = ("resistance_1", "resistance_2", "resistance_3", "support_1", "support_2", "support_3")

_SLUG = {"slug": None}
_GRADE = {"tm_grade_24h_pct_change": "TM_GRADE_24h_PCT_CHANGE", "slug": None}

ENDPOINTS: dict[str, Endpoint] = {
    "tokens": Endpoint(
        TOKEN | {"category", "exchange", "blockchain_address"},
        v2={
            "link": "TM_LINK", "slug": None, "current_price": None, "market_cap": None, "total_volume": None,
            "fully_diluted_valuation": None, "circulating_supply": None, "total_supply": None, "max_supply": None,
            "high_24_h": None, "low_24_h": None, "price_change_percentage_24_h_in_currency": None,
        },
        v3={"link": "app_link"},
    ),
    "top-market-cap-tokens": Endpoint(frozenset(), v2={"link": "TM_LINK", "slug": None}, v3={"link": "app_link"}),
    "trading-signals": Endpoint(
        FILTERS | DATES,
        moment="date",
        v2={
            "slug": "tm_link", "link": "TM_LINK", "tm_grade": "TM_TRADER_GRADE",
            "fundamental_grade": "TM_INVESTOR_GRADE", "token_signal_str": None, "token_trend_str": None,
        },
        v3={"link": "app_link"},
        equals={"signal": "trading_signal"},
    ),
    "hourly-trading-signals": Endpoint(
        frozenset({"token_id", "symbol"}), moment="timestamp", v2=_SLUG, needs={"v2": "token_id"}
    ),
    "resistance-support": Endpoint(
        frozenset({"token_id", "symbol"}),
        moment="date",
        v2=dict.fromkeys(("slug", "link", "price", *LEVELS)),
        v3={"link": "app_link"},
    ),
    "tm-grade": Endpoint(
        TOKEN,
        v2=_GRADE,
        v3={
            "tm_grade_24h_pct_change": "tm_grade_24_h_pct_change",
            "tm_trader_grade_24h_change": "tm_trader_grade_24_h_change",
        },
    ),
    "tm-grade-history": Endpoint(
        TOKEN | DATES,
        moment="date",
        v2={**_GRADE, "token_signal_str": None, "link": None},
        v3={"link": "app_link", "tm_trader_grade_24h_change": "tm_trader_grade_24_h_change"},
    ),
    "fundamental-grade": Endpoint(TOKEN, v2=_SLUG),
    "fundamental-grade-history": Endpoint(TOKEN | DATES, moment="date", v2=_SLUG),
    "technology-grade": Endpoint(TOKEN, moment="date", v2=_SLUG),
    "technology-grade-history": Endpoint(TOKEN | DATES, moment="date", v2=_SLUG),
    "trader-grades": Endpoint(
        FILTERS | DATES,
        moment="date",
        minima={"traderGrade": "tm_trader_grade", "traderGradePercentChange": "tm_trader_grade_24h_pct_change"},
        versions=("v2",),
    ),
    "investor-grades": Endpoint(
        FILTERS | DATES,
        moment="date",
        stamp="plain",
        minima={"investorGrade": "tm_investor_grade"},
        versions=("v2",),
    ),
    "quantmetrics": Endpoint(FILTERS, moment="date", stamp="plain", v2=_SLUG),
    "daily-ohlcv": Endpoint(TOKEN | DATES, moment="date", v2=_SLUG, is_ohlcv=True),
    "hourly-ohlcv": Endpoint(TOKEN | DATES, moment="timestamp", v2=_SLUG, is_ohlcv=True),
    "price": Endpoint(frozenset({"token_id"}), v2=_SLUG, needs={"v2": "token_id", "v3": "token_id"}),
    "price-prediction": Endpoint(frozenset({"token_id", "symbol"}), moment="date", stamp="plain", v2=_SLUG),
    "scenario-analysis": Endpoint(
        frozenset({"token_id", "symbol"}), moment="date", stamp="plain", versions=("v2",)
    ),
    "market-metrics": Endpoint(DATES, moment="date", stamp="plain"),
    "indices": Endpoint(
        frozenset(),
        v2={"change_24h": "24H", "change_7d": "7D", "change_1m": "1M", "volume_24h": "24H_VOLUME", "type": None},
        v3={"change_24h": "24h", "change_7d": "7d", "change_1m": "1m", "volume_24h": "24h_volume", "type": None},
        equals={"indicesType": "type"},
    ),
    "indices-holdings": Endpoint(
        frozenset(), moment="date", stamp="plain", v2={"id": None, "slug": None}, v3={"id": None},
        needs={"v2": "id", "v3": "id"}, equals={"id": "id"},
    ),
    "indices-performance": Endpoint(
        DATES, moment="date", needs={"v2": "id", "v3": "id"}, equals={"id": "id"}
    ),
    "moonshot-tokens": Endpoint(
        frozenset(), v2={"token_id": None, "slug": None, "type": None}, v3={"type": None}, equals={"type": "type"}
    ),
    "correlation": Endpoint(TOKEN | {"category", "exchange"}, moment="date", stamp="plain", v2=_SLUG),
    "sentiments": Endpoint(frozenset(), moment="datetime", versions=("v2",)),
}  # fmt: skip
