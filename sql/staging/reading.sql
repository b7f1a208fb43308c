-- Looks at a vendor's past that a build may use. The same bytes delivered once more are no new look.
-- Grain: snapshot_id, vendor, timeframe
select
    reread.snapshot_id,
    reread.dataset,
    reread.vendor,
    reread.timeframe,
    reread.as_of,
    reread.read_from,
    reread.read_to,
    reread.read_token_ids
from ops.reread as reread
inner join ops.snapshot as taken using (snapshot_id, run_id)
semi join staging.usable_snapshot using (snapshot_id)
where is_in_use(reread.timeframe)
