-- The bars of one token whose scorecard rows take inference, as a series without gaps from the first bar of its first
-- segment to the last of its last: its first bar, its length, and its position in an array of all series of the
-- timeframe, one after another. Windows are entered on bars of segments, so each has a place in it.
-- Grain: timeframe, vendor_id, token_id
with series as (
    select
        segment_span.timeframe,
        vendor.vendor_id,
        scope.vendor,
        scope.token_id,
        min(segment_span.started_at) as started_at,
        bars_between(segment_span.timeframe, min(segment_span.started_at), max(segment_span.last_bar_at)) + 1 as n_bars
    from (
        select distinct
            vendor,
            timeframe,
            token_id
        from temp.card_scope
        where is_rescored
    ) as scope
    inner join work.vendor as vendor using (vendor)
    inner join work.segment_span as segment_span using (timeframe, token_id)
    group by segment_span.timeframe, vendor.vendor_id, scope.vendor, scope.token_id
)

select
    *,
    (sum(n_bars) over (partition by timeframe order by vendor_id, token_id) - n_bars)::bigint as position
from series
