-- When somebody last looked at the history of a token by itself, as the nightly re-reading does in turn.
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
    from staging.reading
    where vendor is not null
)
group by all
