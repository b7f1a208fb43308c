-- A vendor's base windows of one sector (or `all`) at one horizon, as a series of entry moments without gaps: its first
-- moment, its length, and its position in an array of all series of the timeframe and horizon, one after another.
-- Grain: timeframe, horizon, vendor_id, sector
with series as (
    select
        base.timeframe,
        base.horizon,
        vendor.vendor_id,
        base.vendor,
        base.sector,
        min(base.entry_at) as started_at,
        bars_between(base.timeframe, min(base.entry_at), max(base.entry_at)) + 1 as n_moments
    from work.sector_base as base
    inner join work.vendor as vendor using (vendor)
    group by base.timeframe, base.horizon, vendor.vendor_id, base.vendor, base.sector
)

select
    *,
    (sum(n_moments) over (partition by timeframe, horizon order by vendor_id, sector) - n_moments)::bigint as position
from series
