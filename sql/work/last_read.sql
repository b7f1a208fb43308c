-- When somebody last looked at a day of a vendor's history, all tokens together.
-- Grain: dataset, vendor, timeframe, day
with looks as (
    select
        dataset,
        vendor,
        timeframe,
        read_from::date as first_day,
        read_to::date as last_day,
        max(as_of) as as_of
    from staging.reading
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
    from looks
    -- What a later look covers whole need not be laid out.
    anti join looks as later
        on
            looks.dataset = later.dataset
            and looks.vendor = later.vendor
            and looks.timeframe = later.timeframe
            and looks.as_of < later.as_of
            and looks.first_day >= later.first_day
            and looks.last_day <= later.last_day
)

select
    dataset,
    vendor,
    timeframe,
    day,
    max(as_of) as read_at
from days
group by all
