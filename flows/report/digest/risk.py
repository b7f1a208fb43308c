"""Drawdowns of calls during their windows, and the equity curves of following them."""

from typing import Any

from flows.report.digest.model import Curve, CurvePoint, SectorCurves, SectorDrawdown
from flows.report.digest.moment import File

POLICIES = ("signal", "equal_weight", "hold")

# Below 20 calls the deepest 5 percent is less than one call, so no percentile is given.
MIN_CALLS_FOR_P95 = 20

DRAWDOWNS = """
with scored_call as (
    from scored where entry_rule = 'next_open' and vendor = $vendor and timeframe = $timeframe and horizon = $horizon
)

select
    coalesce(sector, 'all') as sector,
    count(*) as n_calls,
    quantile_cont(max_drawdown, 0.5) as median,
    quantile_cont(max_drawdown, 0.05) as p95,
    min(max_drawdown) as worst,
    first(symbol order by max_drawdown, entry_at, token_id) as worst_symbol,
    first(token_id order by max_drawdown, entry_at, token_id) as worst_token_id,
    first(direction order by max_drawdown, entry_at, token_id) as worst_direction,
    first(entry_at order by max_drawdown, entry_at, token_id) as worst_entry_at,
    first(exit_at order by max_drawdown, entry_at, token_id) as worst_exit_at
from scored_call
group by rollup (sector)
order by coalesce(scored_call.sector, 'all') <> 'all', 1
"""

CURVE_BARS = """
curve as (
    select
        equity.*,
        equity.bar_start + bar_length(equity.timeframe) as bar_end
    from marts.sector_equity as equity
    inner join newest_end using (timeframe)
    where vendor = $vendor and timeframe = $timeframe and equity.bar_start < newest_end.newest_end
)
"""

CURVES = f"""
with {CURVE_BARS},

lows as (
    select
        *,
        max(if(drawdown = 0, bar_end, null)) over (
            partition by sector, policy order by bar_start rows unbounded preceding
        ) as last_high_at
    from curve
)

select
    sector,
    policy,
    arg_max(n_long, bar_start) as n_tokens,
    arg_max(equity, bar_start) as equity,
    product(1 + bar_return) filter (
        where bar_start >= getvariable('week_from') and bar_end <= getvariable('week_to')
    ) - 1 as week_return,
    arg_max(drawdown, bar_start) as drawdown,
    min(drawdown) as max_drawdown,
    first(last_high_at order by drawdown, bar_start) as peak_at,
    first(bar_end order by drawdown, bar_start) as trough_at
from lows
group by sector, policy
order by sector <> 'all', sector, policy
"""

# The chart's points: one a week for daily bars, one a day for shorter bars, and the newest. Bars of a grid that was
# moved never end at midnight, so that a point is the first bar that ends at or after it.
POINTS = f"""
with {CURVE_BARS}

select bar_end as "at", policy, equity
from curve
where
    sector = 'all'
    and (
        epoch(bar_end) % (case when bar_seconds($timeframe) < 86400 then 86400 else 7 * 86400 end)
        < bar_seconds($timeframe)
        or bar_end = (select max(bar_end) from curve)
    )
order by bar_end, policy
"""


def read_drawdowns(file: File, **track: Any) -> tuple[SectorDrawdown, ...]:
    """Drawdowns of the scored calls of one vendor, timeframe and horizon, by sector."""
    rows = file.rows(DRAWDOWNS, **track)
    for row in rows:
        if row["n_calls"] < MIN_CALLS_FOR_P95:
            row["p95"] = None
    return tuple(SectorDrawdown(**row) for row in rows if row["n_calls"])


def read_curves(file: File, **track: Any) -> tuple[SectorCurves, ...]:
    """The three curves of each sector up to the moment."""
    sectors: dict[str, dict[str, Curve]] = {}
    n_covered: dict[str, int] = {}
    for row in file.rows(CURVES, **track):
        sector, n_tokens = row.pop("sector"), row.pop("n_tokens")
        sectors.setdefault(sector, {})[row["policy"]] = Curve(**row)
        if row["policy"] == "equal_weight":
            n_covered[sector] = n_tokens
    return tuple(
        SectorCurves(sector=sector, n_tokens=n_covered[sector], **curves) for sector, curves in sectors.items()
    )


def read_points(file: File, **track: Any) -> tuple[CurvePoint, ...]:
    """The points of the `all` curves for the chart."""
    moments: dict[Any, dict[str, float]] = {}
    for row in file.rows(POINTS, **track):
        moments.setdefault(row["at"], {})[row["policy"]] = row["equity"]
    return tuple(CurvePoint(at=at, **values) for at, values in moments.items() if len(values) == len(POLICIES))
