-- The deepest fall of each curve: from which peak, to which trough, and when it was made good.
-- Grain: vendor, sector, timeframe, policy
-- Moments are told apart up to the twelfth digit only, of whatever height: what differs after it is rounding.
with bars as (
    select
        * exclude (equity) replace (round(drawdown, 12) as drawdown),
        case when equity > 0 then round(ln(equity), 12) else '-infinity'::double end as height
    from marts.sector_equity
),

troughs as (
    select
        vendor,
        sector,
        timeframe,
        policy,
        min(drawdown) as max_drawdown,
        min(bar_start) as started_at,
        arg_min(bar_start, (drawdown, bar_start)) as trough_at
    from bars
    group by all
),

-- The first bar at the greatest equity before the trough; before all bars stands the 1 that every curve starts from.
peaks as (
    select
        troughs.*,
        greatest(0, max(bar.height)) as peak_height,
        case
            when max(bar.height) > 0 then arg_max(bar.bar_start, (bar.height, -epoch_us(bar.bar_start)))
            else '-infinity'::timestamp
        end as peak_at
    from troughs
    inner join bars as bar using (vendor, sector, timeframe, policy)
    where bar.bar_start <= troughs.trough_at
    group by all
),

recoveries as (
    select
        peaks.*,
        min(bar.bar_start) filter (where bar.height >= peaks.peak_height) as recovered_at
    from peaks
    inner join bars as bar using (vendor, sector, timeframe, policy)
    where bar.bar_start >= peaks.trough_at
    group by all
)

select
    recoveries.vendor,
    recoveries.sector,
    recoveries.timeframe,
    recoveries.policy,
    recoveries.max_drawdown,
    case when recoveries.max_drawdown < 0 then greatest(recoveries.peak_at, recoveries.started_at)
        else recoveries.started_at
    end as peak_at,
    case when recoveries.max_drawdown < 0 then recoveries.trough_at end as trough_at,
    case when recoveries.max_drawdown < 0 then recoveries.recovered_at end as recovered_at,
    count(*) filter (
        where recoveries.max_drawdown < 0
        and bar.bar_start > recoveries.peak_at
        and bar.bar_start <= coalesce(recoveries.recovered_at, 'infinity')
    ) as n_bars_under_water
from recoveries
inner join bars as bar using (vendor, sector, timeframe, policy)
group by all
