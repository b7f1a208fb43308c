-- One whole row that vanished from its vendor's history, or that was inserted into a past that had been delivered
-- without it.
-- Grain: vendor, dataset, token_id, timeframe, key, moment_at, kind, changed_at
select
    vendor,
    dataset,
    token_id,
    timeframe,
    key,
    moment_at,
    'vanished' as kind,
    null::timestamp as first_known_at,
    gone_at as changed_at,
    gone_at - moment_at as age_when_changed
from staging.vanished_row
union all
select
    vendor,
    dataset,
    token_id,
    timeframe,
    key,
    moment_at,
    'appeared' as kind,
    appeared_at as first_known_at,
    appeared_at as changed_at,
    appeared_at - moment_at as age_when_changed
from work.appeared_row
