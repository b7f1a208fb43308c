-- The newest bar of a timeframe, of any token: it decides whether a segment has ended and whether a window's scheduled
-- exit has passed.
-- Grain: timeframe
select
    timeframe,
    max(last_bar_at) as newest_bar_at,
    max(last_bar_at) + bar_length(timeframe) as newest_bar_end
from work.segment_span
group by timeframe
