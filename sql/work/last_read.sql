-- When somebody last looked at a day of a vendor's history, all tokens together.
-- Grain: dataset, vendor, timeframe, day
with looks as (
    from staging.reading
    where read_token_ids is null and vendor is not null
),

days as (
    select
        dataset,
        vendor,
        timeframe,
        as_of,
        unnest(generate_series(read_from::date, read_to::date, interval 1 day))::date as day
    from looks
    -- What a later look covers whole need not be laid out.
    anti join looks as later
        on
            looks.dataset = later.dataset
            and looks.vendor = later.vendor
            and looks.timeframe = later.timeframe
            and looks.as_of < later.as_of
            and looks.read_from >= later.read_from
            and looks.read_to <= later.read_to
)

select
    dataset,
    vendor,
    timeframe,
    day,
    max(as_of) as read_at
from days
group by all
