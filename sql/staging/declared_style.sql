-- The style of the signals that a usable snapshot brought: `states` where its folder declared none.
-- Grain: snapshot_id, vendor, timeframe
-- Materialized: view
select
    reread.snapshot_id,
    reread.vendor,
    reread.timeframe,
    reread.as_of,
    coalesce(json_extract_string(snapshot.declaration, '$.style'), 'states') as style
from staging.usable_reread as reread
inner join ops.snapshot as snapshot using (snapshot_id)
where reread.dataset = 'signals'
