"""Every endpoint that is asked, once: where it is, what a row of it is about, and how sure we are of its shape."""

from dataclasses import dataclass
from enum import Enum
from functools import cached_property


class Grain(Enum):
    """What one row of an endpoint is about, which decides how it is asked."""

    TOKEN = "one row a token: the newest only"
    TOKEN_DAY = "one row a token and day"
    TOKEN_HOUR = "one row a token and hour"
    DAY = "one row a day, for the whole market"
    LIST = "a list of the vendor's, page by page"
    INDEX = "rows about one index"
    INDEX_DAY = "one row an index and day"


@dataclass(frozen=True)
class Endpoint:
    """One endpoint.

    `dataset` is the dataset of the contract that its rows become; None is raw only: kept and counted, not modelled.
    `fields` are the fields a row is expected to have, in our names (`aliases.py`); `required` those without which a
    row is nothing. `is_verified`: a verbatim example exists; the others have been tried on reconstructed
    rows alone. `is_removed`: the vendor has announced its end; it is still asked until the server refuses.
    `is_newest_page`: its list is all of history, newest first, of which a night needs one page.
    """

    name: str
    grain: Grain
    dataset: str | None
    fields: tuple[str, ...]
    required: tuple[str, ...]
    kind: str | None = None
    timeframe: str | None = None
    versions: tuple[str, ...] = ("v2", "v3")
    has_dates: bool = False
    is_verified: bool = True
    is_removed: bool = False
    is_required: bool = False
    is_newest_page: bool = False

    @property
    def is_raw_only(self) -> bool:
        return self.dataset is None

    @property
    def is_ohlcv(self) -> bool:
        return self.dataset == "prices"

    @cached_property
    def moment(self) -> str | None:
        """The field with the moment of a row, where it has one."""
        return next((name for name in ("timestamp", "date") if name in self.fields), None)


TOKEN = ("token_id", "token_name", "token_symbol")
OHLCV = ("open", "high", "low", "close", "volume")
FUNDAMENTAL = (
    "fundamental_grade",
    "fundamental_grade_class",
    "community_score",
    "exchange_score",
    "vc_score",
    "tokenomics_score",
    "defi_scanner_score",
)
TECHNOLOGY = (
    "technology_grade",
    "activity_score",
    "security_score",
    "repository_score",
    "collaboration_score",
    "defi_scanner_score",
)
TM_GRADE = (
    "tm_grade",
    "tm_grade_24h_pct_change",
    "tm_trader_grade_24h_change",
    "quant_grade",
    "tm_grade_signal",
    "momentum",
)
QUANTMETRICS = (
    "volatility",
    "all_time_return",
    "cagr",
    "sharpe",
    "sortino",
    "max_drawdown",
    "skew",
    "tail_ratio",
    "risk_reward_ratio",
    "profit_factor",
    "kurtosis",
    "daily_value_at_risk",
    "daily_return_avg",
    "daily_return_std",
)

ABOUT = ("market", "news", "reddit", "twitter")

TOP_TOKENS = Endpoint(
    "top-market-cap-tokens",
    Grain.LIST,
    "tokens",
    (*TOKEN, "exchange_list", "category_list"),
    TOKEN,
)
TOKENS = Endpoint(
    "tokens",
    Grain.TOKEN,
    "tokens",
    (*TOKEN, "exchange_list", "category_list", "contract_address", "tm_link"),
    TOKEN,
    is_required=True,
)

ENDPOINTS = (
    TOP_TOKENS,
    TOKENS,
    Endpoint(
        "daily-ohlcv",
        Grain.TOKEN_DAY,
        "prices",
        (*TOKEN, "date", *OHLCV),
        ("token_id", "date", *OHLCV[:4]),
        timeframe="1d",
        has_dates=True,
        is_required=True,
    ),
    Endpoint(
        "hourly-ohlcv",
        Grain.TOKEN_HOUR,
        "prices",
        (*TOKEN, "timestamp", *OHLCV),
        ("token_id", "timestamp", *OHLCV[:4]),
        timeframe="1h",
        has_dates=True,
    ),
    Endpoint(
        "trading-signals",
        Grain.TOKEN_DAY,
        "signals",
        (
            *TOKEN,
            "date",
            "trading_signal",
            "token_trend",
            "trading_signals_returns",
            "holding_returns",
            "tm_trader_grade",
            "tm_investor_grade",
            "tm_slug",
            "tm_link",
        ),
        ("token_id", "date", "trading_signal", "token_trend"),
        timeframe="1d",
        has_dates=True,
        is_required=True,
    ),
    Endpoint(
        "hourly-trading-signals",
        Grain.TOKEN_HOUR,
        "signals",
        (*TOKEN, "timestamp", "close", "signal", "position"),
        ("token_id", "timestamp", "signal"),
        timeframe="1h",
        is_verified=False,
    ),
    Endpoint(
        "resistance-support",
        Grain.TOKEN,
        "levels",
        (*TOKEN, "date", "historical_resistance_support_levels"),
        ("token_id", "date"),
        timeframe="1d",
    ),
    Endpoint("tm-grade", Grain.TOKEN, "grades", (*TOKEN, *TM_GRADE), ("token_id", "tm_grade"), "tm", is_verified=False),
    Endpoint(
        "tm-grade-history",
        Grain.TOKEN_DAY,
        "grades",
        (*TOKEN, "date", *TM_GRADE, "trading_signal"),
        ("token_id", "date", "tm_grade"),
        "tm",
        has_dates=True,
        is_verified=False,
    ),
    Endpoint(
        "fundamental-grade",
        Grain.TOKEN,
        "grades",
        (*TOKEN, *FUNDAMENTAL),
        ("token_id", "fundamental_grade"),
        "fundamental",
        is_verified=False,
    ),
    Endpoint(
        "fundamental-grade-history",
        Grain.TOKEN_DAY,
        "grades",
        (*TOKEN, "date", *FUNDAMENTAL),
        ("token_id", "date", "fundamental_grade"),
        "fundamental",
        has_dates=True,
        is_verified=False,
    ),
    Endpoint(
        "technology-grade",
        Grain.TOKEN,
        "grades",
        (*TOKEN, "date", *TECHNOLOGY),
        ("token_id", "technology_grade"),
        "technology",
        is_verified=False,
    ),
    Endpoint(
        "technology-grade-history",
        Grain.TOKEN_DAY,
        "grades",
        (*TOKEN, "date", *TECHNOLOGY),
        ("token_id", "date", "technology_grade"),
        "technology",
        has_dates=True,
        is_verified=False,
    ),
    Endpoint(
        "trader-grades",
        Grain.TOKEN_DAY,
        "grades",
        (*TOKEN, "date", "ta_grade", "quant_grade", "tm_trader_grade", "tm_trader_grade_24h_pct_change"),
        ("token_id", "date", "tm_trader_grade"),
        "trader",
        versions=("v2",),
        has_dates=True,
        is_removed=True,
    ),
    Endpoint(
        "investor-grades",
        Grain.TOKEN_DAY,
        "grades",
        (
            *TOKEN,
            "date",
            "tm_investor_grade",
            "tm_investor_grade_7d_pct_change",
            "fundamental_grade",
            "technology_grade",
            "valuation_grade",
            "defi_usage_score",
            "community_score",
            "exchange_score",
            "vc_score",
            "tokenomics_score",
            "defi_scanner_score",
            "activity_score",
            "security_score",
            "repository_score",
            "collaboration_score",
        ),
        ("token_id", "date", "tm_investor_grade"),
        "investor",
        versions=("v2",),
        has_dates=True,
        is_removed=True,
    ),
    Endpoint(
        "quantmetrics",
        Grain.TOKEN,
        "quantmetrics",
        (*TOKEN, "date", *QUANTMETRICS),
        ("token_id", "date"),
    ),
    # Kept and counted, not modelled. A price without a moment is no bar.
    Endpoint("price", Grain.TOKEN, None, (*TOKEN, "current_price"), ("token_id",)),
    Endpoint("price-prediction", Grain.TOKEN, None, (*TOKEN, "price_prediction"), ("token_id",), is_verified=False),
    Endpoint(
        "scenario-analysis",
        Grain.TOKEN,
        None,
        (*TOKEN, "date", "scenario_analysis"),
        ("token_id",),
        versions=("v2",),
        is_removed=True,
    ),
    Endpoint(
        "market-metrics",
        Grain.DAY,
        None,
        ("date", "total_crypto_mcap", "tm_grade_perc_high_coins", "tm_grade_signal", "last_tm_grade_signal"),
        ("date",),
        has_dates=True,
    ),
    Endpoint(
        "indices",
        Grain.LIST,
        None,
        (
            *("id", "name", "ticker", "price", "coins", "24h", "7d", "1m", "24h_volume"),
            *("index_grade", "all_time", "market_cap", "top_gainers_icons"),
        ),
        ("id",),
        is_verified=False,
    ),
    Endpoint(
        "indices-holdings",
        Grain.INDEX,
        None,
        (
            *(*TOKEN, "date", "coin", "cg_id", "icon", "weight", "market_cap", "price"),
            *("current_roi", "trader_grade", "trader_grade_change_24h"),
        ),
        ("token_id",),
        is_verified=False,
    ),
    Endpoint(
        "indices-performance",
        Grain.INDEX_DAY,
        None,
        ("id", "date", "index_cumulative_roi", "market_cap", "volume", "fdv"),
        ("date",),
        has_dates=True,
    ),
    Endpoint(
        "moonshot-tokens",
        Grain.LIST,
        None,
        (
            *("token_name", "token_symbol", "moonshot_at", "moonshot_end_at", "moonshot_roi", "market_cap"),
            *("last_trading_signal_time", "tm_trader_grade", "tm_trader_grade_24h_pct_change"),
            *("price_change_percentage_7d_in_currency", "volume_24h"),
        ),
        (),
        is_verified=False,
    ),
    Endpoint("correlation", Grain.TOKEN, None, (*TOKEN, "date", "top_correlation"), ("token_id",)),
    Endpoint(
        "sentiments",
        Grain.LIST,
        None,
        (
            "timestamp",
            *(f"{about}_sentiment_{what}" for about in ABOUT for what in ("grade", "label")),
            *(f"{about}_summary" for about in ABOUT[1:]),
        ),
        (),
        versions=("v2",),
        is_removed=True,
        is_newest_page=True,
    ),
)

BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}


def endpoints_of(version: str) -> tuple[Endpoint, ...]:
    """The endpoints that a version of the API has, the required ones first."""
    return tuple(endpoint for endpoint in ENDPOINTS if version in endpoint.versions)
