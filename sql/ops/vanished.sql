-- The closed rows that the delivery should contain and does not, and rows missing before that are back. Reads the
-- temporary tables of keys.sql, for the snapshot that the variables name.
with now as (
    select as_of from ops.snapshot
where snapshot_id = getvariable('snapshot_id')
),

usable as (
    select
        snapshot_id,
        as_of
    from ops.snapshot
    where superseded_by is null and as_of <= (select as_of from now)
),

tokens as (
    select
        vendor,
        timeframe,
        token_id,
        least(min(moment_at), getvariable('since')::date::timestamp) as read_from,
        max(moment_at) filter (where is_visible) as newest_at,
        bool_or(moment_at is null) as is_unclear
    from delivered_key
    group by all
),

-- The span of each token that the delivery covers: from the first day it claims to contain whole (`since`), or the
-- token's first row where that is earlier, to the newest row of the vendor and timeframe. A row whose moment cannot be
-- read may be any row, so nothing of its token counts as missing; where a row's token cannot be read either, nothing of
-- any token does.
span as (
    select
        vendor,
        timeframe,
        token_id,
        read_from,
        max(newest_at) over (partition by vendor, timeframe) as read_to
    from tokens
    where not exists (select 1 from delivered_key
where token_id is null or timeframe is null)
    qualify not is_unclear
),

gone as (
    select
        vendor,
        token_id,
        timeframe,
        key,
        moment_at
    from ops.vanished
    inner join usable using (snapshot_id)
    where dataset = getvariable('dataset')
    group by all
    having not arg_max(is_back, (usable.as_of, snapshot_id))
),

delivered as (
    select distinct
        vendor,
        token_id,
        timeframe,
        coalesce(key, '') as key,
        moment_at
    from delivered_key
),

earlier as (
    select
        vendor,
        token_id,
        timeframe,
        key,
        moment_at
    from raw_key
    inner join usable using (snapshot_id)
    where not is_preliminary and snapshot_id <> getvariable('snapshot_id')
),

missing as (
    select distinct earlier.*
    from earlier
    inner join span using (vendor, timeframe, token_id)
    anti join delivered
        on
            earlier.vendor = delivered.vendor
            and earlier.token_id = delivered.token_id
            and earlier.timeframe = delivered.timeframe
            and earlier.moment_at = delivered.moment_at
            and coalesce(earlier.key, '') = delivered.key
    where earlier.moment_at between span.read_from and span.read_to
),

events as (
    select
        missing.*,
        false as is_back
    from missing
    anti join gone
        on
            missing.vendor = gone.vendor
            and missing.token_id = gone.token_id
            and missing.timeframe = gone.timeframe
            and missing.moment_at = gone.moment_at
            and missing.key is not distinct from gone.key
    union all
    select
        gone.*,
        true as is_back
    from gone
    semi join delivered
        on
            gone.vendor = delivered.vendor
            and gone.token_id = delivered.token_id
            and gone.timeframe = delivered.timeframe
            and gone.moment_at = delivered.moment_at
            and coalesce(gone.key, '') = delivered.key
)

select
    getvariable('snapshot_id') as snapshot_id,
    getvariable('dataset') as dataset,
    *
from events
order by all
