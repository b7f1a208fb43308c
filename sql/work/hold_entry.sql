-- Where a buyer of every covered token would have bought it: its first seasoned bar, in its first such segment.
-- Grain: vendor, timeframe, token_id
with seasons as (
    select
        timeframe,
        token_id,
        min(started_at) + interval 7 days as seasoned_from
    from core.segment
    where segment = 1
    group by all
),

entries as (
    select
        coverage.vendor,
        bar.timeframe,
        bar.token_id,
        arg_min(bar.segment, bar.bar_start) as segment,
        min(bar.bar_start) as entered_at,
        arg_min(bar.open, bar.bar_start) as entry_price
    from work.spine_bar as bar
    inner join work.coverage as coverage using (timeframe, token_id)
    inner join seasons using (timeframe, token_id)
    where
        bar.bar_start between coverage.covered_from and coverage.covered_to
        and (bar.segment > 1 or bar.bar_start >= seasons.seasoned_from)
    group by all
)

from entries
