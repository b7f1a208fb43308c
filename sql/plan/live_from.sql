-- One timeframe with the earliest end of the segments that were going on in the build before (`live_from`). From there
-- on new bars may change what was built: a call may have waited for its next bar, and a stance may end with its
-- segment.
-- Grain: timeframe
-- Only: increment
select
    timeframe,
    min(ended_at) as live_from
from {{ before('core.segment') }}
where not has_ended
group by all
