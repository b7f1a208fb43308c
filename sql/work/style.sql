-- How a vendor's signals of a timeframe are meant, by the newest delivery that declared it: `states` (a row says which
-- side the vendor is on; where nothing is declared) or `events` (every row that takes a side is a call).
-- Grain: vendor, timeframe
with feeds as (
    select distinct
        vendor,
        timeframe
    from staging.usable_reread
    where dataset = 'signals'
),

declared as (
    select
        vendor,
        timeframe,
        arg_max(style, (as_of, snapshot_id)) as style
    from staging.declared_style
    group by all
)

select
    feeds.vendor,
    feeds.timeframe,
    coalesce(declared.style, 'states') as style
from feeds
left join declared using (vendor, timeframe)
