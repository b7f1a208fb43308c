-- When each call is entered under each entry rule.
-- Grain: vendor, token_id, timeframe, signal_at, entry_rule
-- Materialized: view
select
    *,
    'next_open' as entry_rule,
    signal_at + bar_length(timeframe) as entry_at
from core.call
union all
select
    *,
    'tradable' as entry_rule,
    greatest(bar_ceiling(timeframe, known_at), signal_at + bar_length(timeframe)) as entry_at
from core.call
where provenance in ('witnessed', 'attested')
