-- The deepest fall of one curve: from which peak, to which trough, and when it was recovered. Heights are compared to
-- twelve digits only, because later digits are rounding error.
-- Grain: vendor, sector, timeframe, policy
with troughs as (
    select
        vendor,
        sector,
        timeframe,
        policy,
        min(round(drawdown, 12)) as max_drawdown,
        min(bar_start) as started_at,
        max(bar_start) as ended_at,
        arg_min(bar_start, (round(drawdown, 12), bar_start)) as trough_at
    from marts.sector_equity
    group by all
),

-- Bars on which the curve is at its highest so far. Only these can be peaks or recoveries, and they are few.
tops as (
    select
        vendor,
        sector,
        timeframe,
        policy,
        bar_start,
        case when equity > 0 then round(ln(equity), 12) else '-infinity'::double end as height
    from marts.sector_equity
    where drawdown > -1e-9
),

-- The peak is the first bar at the greatest equity before the trough, or, where none is above it, the 1 that every
-- curve starts from.
peaks as (
    select
        troughs.*,
        greatest(0, max(top.height)) as peak_height,
        case
            when max(top.height) > 0 then arg_max(top.bar_start, (top.height, -epoch_us(top.bar_start)))
            else '-infinity'::timestamp
        end as peak_at
    from troughs
    left join tops as top
        on
            troughs.vendor = top.vendor
            and troughs.sector = top.sector
            and troughs.timeframe = top.timeframe
            and troughs.policy = top.policy
            and troughs.trough_at >= top.bar_start
    group by all
),

recoveries as (
    select
        peaks.*,
        min(top.bar_start) filter (where top.height >= peaks.peak_height) as recovered_at
    from peaks
    left join tops as top
        on
            peaks.vendor = top.vendor
            and peaks.sector = top.sector
            and peaks.timeframe = top.timeframe
            and peaks.policy = top.policy
            and peaks.trough_at <= top.bar_start
    group by all
)

select
    vendor,
    sector,
    timeframe,
    policy,
    max_drawdown,
    case when max_drawdown < 0 then greatest(peak_at, started_at) else started_at end as peak_at,
    case when max_drawdown < 0 then trough_at end as trough_at,
    case when max_drawdown < 0 then recovered_at end as recovered_at,
    -- A curve has no holes, so its bars can be counted by their moments.
    case
        when max_drawdown < 0
            then bars_between(
                timeframe,
                greatest(peak_at, started_at - bar_length(timeframe)),
                coalesce(recovered_at, ended_at)
            )
        else 0
    end as n_bars_under_water
from recoveries
