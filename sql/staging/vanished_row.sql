-- One time that a row was missing from its vendor's history: since when (`gone_at`), and since when it was back
-- (`back_at`, NULL while it is missing).
-- Grain: dataset, vendor, token_id, timeframe, key, moment_at, gone_at
with events as (
    select
        vanished.dataset,
        vanished.vendor,
        vanished.token_id,
        vanished.timeframe,
        vanished.key,
        vanished.moment_at,
        vanished.is_back,
        snapshot.as_of as gone_at,
        lead(snapshot.as_of) over (
            partition by
                vanished.dataset, vanished.vendor, vanished.token_id, vanished.timeframe, vanished.key,
                vanished.moment_at
            order by snapshot.as_of, snapshot.snapshot_id
        ) as back_at
    from ops.vanished as vanished
    inner join staging.usable_snapshot as snapshot using (snapshot_id)
    where is_in_use(vanished.timeframe)
)

select * exclude (is_back)
from events
where not is_back
