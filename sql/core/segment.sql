-- Runs of one token's bars that belong together, and why each began.
-- Grain: timeframe, token_id, segment
select
    extent.timeframe,
    extent.token_id,
    extent.segment,
    extent.started_at,
    extent.last_bar_at + bar_length(extent.timeframe) as ended_at,
    (bars_between(extent.timeframe, extent.started_at, extent.last_bar_at) + 1)::integer as n_bars,
    extent.n_filled,
    lead(extent.segment) over token is not null
    or newest_bar.newest_bar_at - extent.last_bar_at > to_seconds(tolerated_seconds(extent.timeframe)) as has_ended,
    extent.started_at - lag(extent.last_bar_at) over token - bar_length(extent.timeframe) as gap_before,
    extent.first_open / lag(extent.last_close) over token as jump_ratio
from work.segment_extent as extent
inner join work.newest_bar as newest_bar using (timeframe)
window token as (partition by extent.timeframe, extent.token_id order by extent.segment)
