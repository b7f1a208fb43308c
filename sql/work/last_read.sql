-- One day of a vendor's history with the moment of the last delivery that covered it for all tokens (`read_at`).
-- Grain: dataset, vendor, timeframe, day
with rereads as (
    select
        dataset,
        vendor,
        timeframe,
        read_from::date as first_day,
        read_to::date as last_day,
        max(as_of) as as_of
    from staging.usable_reread
    where read_token_ids is null and vendor is not null
    group by all
),

days as (
    select
        dataset,
        vendor,
        timeframe,
        as_of,
        unnest(generate_series(first_day, last_day, interval 1 day))::date as day
    from rereads
    -- A delivery whose days a later one covers all is left out before spans become days.
    anti join rereads as later
        on
            rereads.dataset = later.dataset
            and rereads.vendor = later.vendor
            and rereads.timeframe = later.timeframe
            and rereads.as_of < later.as_of
            and rereads.first_day >= later.first_day
            and rereads.last_day <= later.last_day
)

select
    dataset,
    vendor,
    timeframe,
    day,
    max(as_of) as read_at
from days
group by all
