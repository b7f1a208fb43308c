-- Base windows of sectors, and of all of them, as series of entry moments without gaps. Those of a timeframe and horizon
-- stand one after another in an array: the first moment of each, how many there are and where the first one stands.
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
