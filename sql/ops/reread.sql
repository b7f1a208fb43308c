-- What a delivery covers of each vendor and timeframe: the span it read again, and the tokens it was asked for. Reads
-- the temporary tables of keys.sql, for the snapshot that the variables name.
with snapshot as (
    select *
    from ops.snapshot
    where snapshot_id = getvariable('snapshot_id')
),

seen as (
    select
        delivered_key.*,
        delivered_key.moment_at + 2 * bar_length(delivered_key.timeframe) <= snapshot.as_of as is_past
    from delivered_key
    cross join snapshot
    where is_visible and token_id is not null and moment_at is not null
),

counts as (
    select
        vendor,
        timeframe,
        count(distinct token_id) as n_tokens,
        count(*) as n_rows,
        count(*) filter (where is_past) as n_past,
        min(moment_at) as first_at,
        max(moment_at) as read_to
    from seen
    where timeframe is not null
    group by all
),

gone as (
    select
        vendor,
        timeframe,
        count(*) as n_vanished
    from ops.vanished
    where snapshot_id = getvariable('snapshot_id') and dataset = getvariable('dataset') and not is_back
    group by all
)

select
    snapshot.snapshot_id,
    snapshot.run_id,
    snapshot.dataset,
    counts.vendor,
    counts.timeframe,
    snapshot.as_of,
    snapshot.fetched_at,
    least(counts.first_at, getvariable('since')::date::timestamp) as read_from,
    counts.read_to,
    getvariable('token_ids')::bigint[] as read_token_ids,
    getvariable('has_history') as has_history,
    getvariable('is_archive') as is_archive,
    counts.n_tokens,
    counts.n_rows,
    counts.n_past,
    coalesce(gone.n_vanished, 0) as n_vanished
from counts
cross join snapshot
left join gone on counts.vendor is not distinct from gone.vendor and counts.timeframe = gone.timeframe
order by counts.vendor, counts.timeframe
