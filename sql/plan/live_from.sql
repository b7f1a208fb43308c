-- Where segments went on: from there on a call may wait for its next bar, and a stance may end with its segment.
-- Grain: timeframe
-- Only: increment
select
    timeframe,
    min(ended_at) as live_from
from {{ before('core.segment') }}
where not has_ended
group by all
