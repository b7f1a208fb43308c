-- How a vendor's signals of a timeframe are meant, by the newest delivery of them: `states` (a row gives the side that
-- the vendor is on) or `events` (every row that takes a side is a call).
-- Grain: vendor, timeframe
select
    vendor,
    timeframe,
    arg_max(style, (as_of, snapshot_id)) as style
from staging.declared_style
group by all
