-- The deepest fall of each curve: from which peak, to which trough, and when it was made good.
-- Grain: vendor, sector, timeframe, policy
-- Moments are told apart up to the twelfth digit only, of whatever height: what differs after it is rounding.
with numbered as (
    select
        * exclude (equity) replace (round(drawdown, 12) as drawdown),
        case when equity > 0 then round(ln(equity), 12) else '-infinity'::double end as height,
        row_number() over (partition by vendor, sector, timeframe, policy order by bar_start) as bar_number
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
        count(*) as n_bars,
        arg_min(bar_number, (drawdown, bar_number)) as trough_number,
        arg_min(bar_start, (drawdown, bar_number)) as trough_at
    from numbered
    group by all
),

-- The first bar at the greatest equity before the trough; bar 0 is the 1 that every curve starts from.
peaks as (
    select
        troughs.vendor,
        troughs.sector,
        troughs.timeframe,
        troughs.policy,
        greatest(0, max(bar.height)) as peak_height,
        case when max(bar.height) > 0 then arg_max(bar.bar_number, (bar.height, -bar.bar_number)) else 0 end as peak_number,
        case
            when max(bar.height) > 0 then arg_max(bar.bar_start, (bar.height, -bar.bar_number)) else min(bar.bar_start)
        end as peak_at
    from troughs
    inner join numbered as bar using (vendor, sector, timeframe, policy)
    where bar.bar_number <= troughs.trough_number
    group by all
),

recoveries as (
    select
        troughs.vendor,
        troughs.sector,
        troughs.timeframe,
        troughs.policy,
        min(bar.bar_number) as recovery_number,
        min(bar.bar_start) as recovered_at
    from troughs
    inner join peaks using (vendor, sector, timeframe, policy)
    inner join numbered as bar using (vendor, sector, timeframe, policy)
    where bar.bar_number >= troughs.trough_number and bar.height >= peaks.peak_height
    group by all
)

select
    troughs.vendor,
    troughs.sector,
    troughs.timeframe,
    troughs.policy,
    troughs.max_drawdown,
    case when troughs.max_drawdown < 0 then peaks.peak_at else troughs.started_at end as peak_at,
    case when troughs.max_drawdown < 0 then troughs.trough_at end as trough_at,
    case when troughs.max_drawdown < 0 then recoveries.recovered_at end as recovered_at,
    case
        when troughs.max_drawdown < 0
            then coalesce(recoveries.recovery_number, troughs.n_bars) - peaks.peak_number
        else 0
    end as n_bars_under_water
from troughs
inner join peaks using (vendor, sector, timeframe, policy)
left join recoveries using (vendor, sector, timeframe, policy)
