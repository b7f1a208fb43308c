-- One segment: a run of a token's bars of one price source without a long gap or an impossible jump, with what separates
-- it from the segment before (gap_before, jump_ratio).
-- Grain: timeframe, token_id, segment
select
    segment_span.timeframe,
    segment_span.token_id,
    segment_span.segment,
    nullif(stretch.price_source, '') as price_source,
    segment_span.started_at,
    segment_span.last_bar_at + bar_length(segment_span.timeframe) as ended_at,
    (bars_between(segment_span.timeframe, segment_span.started_at, segment_span.last_bar_at) + 1)::integer as n_bars,
    segment_span.n_filled,
    lead(segment_span.segment) over token is not null
    or newest_bar.newest_bar_at - segment_span.last_bar_at > to_seconds(tolerated_seconds(segment_span.timeframe)) as has_ended,
    segment_span.started_at - lag(segment_span.last_bar_at) over token - bar_length(segment_span.timeframe) as gap_before,
    segment_span.first_open / lag(segment_span.last_close) over token as jump_ratio
from work.segment_span as segment_span
inner join work.newest_bar as newest_bar on segment_span.timeframe = newest_bar.timeframe
inner join work.price_stretch as stretch
    on
        segment_span.timeframe = stretch.timeframe
        and segment_span.token_id = stretch.token_id
        and segment_span.started_at >= stretch.used_from
        and segment_span.started_at < stretch.used_to
window token as (partition by segment_span.timeframe, segment_span.token_id order by segment_span.segment)
