-- One token with the last delivery that was asked for it by name: its moment and the span it covered. The nightly job
-- reads the histories of a few tokens again this way, in turn.
-- Grain: dataset, vendor, timeframe, token_id
select
    dataset,
    vendor,
    timeframe,
    token_id,
    max(as_of) as read_at,
    arg_max(read_from, as_of) as read_from,
    arg_max(read_to, as_of) as read_to
from (
    select
        * exclude (read_token_ids),
        unnest(read_token_ids) as token_id
    from staging.usable_reread
    where vendor is not null
)
group by all
