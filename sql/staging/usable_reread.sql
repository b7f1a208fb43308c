-- What a delivery that a build may use covered of a vendor's past: a span of one timeframe, and the tokens it was asked
-- for. The same bytes delivered once more are left out, because they show nothing new.
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
inner join ops.snapshot as snapshot using (snapshot_id, run_id)
semi join staging.usable_snapshot using (snapshot_id)
where is_in_use(reread.timeframe)
