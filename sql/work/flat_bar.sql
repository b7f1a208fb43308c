-- One delivered bar that stays at the close before it, its volume 0 or unknown, with the first bar of the run of such
-- bars (`flat_from`). A bar without trade is no bar: one with a volume of 0, and one of unknown volume from the fourth
-- day of its run on.
-- Grain: timeframe, token_id, price_source, bar_start
-- Replaces: from temp.flat_scope as scope where old.timeframe = scope.timeframe and old.token_id = scope.token_id and old.price_source = scope.price_source and old.bar_start >= scope.touched_from
with bars as (
    select
        bar.timeframe,
        bar.token_id,
        scope.price_source,
        bar.bar_start,
        bar.close,
        bar.volume_usd,
        is_unmoved(bar.open, bar.high, bar.low, bar.close, bar.volume_usd) as is_unmoved,
        coalesce(lag(bar.close) over source_bars, scope.previous_close) as previous_close,
        scope.previous_flat_from
    from core.price_bar as bar
    inner join temp.flat_scope as scope
        on
            bar.timeframe = scope.timeframe
            and bar.token_id = scope.token_id
            and coalesce(bar.price_source, '') = scope.price_source
            and bar.bar_start >= scope.touched_from
    where bar.known_to is null and not bar.is_preliminary and bar.bar_start >= getvariable('flat_from')
    window source_bars as (
        partition by bar.timeframe, bar.token_id, scope.price_source order by bar.bar_start
    )
),

marked as (
    select
        *,
        coalesce(is_unmoved and is_same_number(close, previous_close), false) as is_flat
    from bars
),

numbered as (
    select
        *,
        count(*) filter (where not is_flat) over (
            partition by timeframe, token_id, price_source order by bar_start
        ) as run
    from marked
),

flat_bars as (
    select
        timeframe,
        token_id,
        price_source,
        bar_start,
        volume_usd,
        case
            when run = 0 then coalesce(previous_flat_from, min(bar_start) over of_run) else min(bar_start) over of_run
        end as flat_from
    from numbered
    where is_flat
    window of_run as (partition by timeframe, token_id, price_source, run)
)

select
    timeframe,
    token_id,
    price_source,
    bar_start,
    flat_from,
    volume_usd is null and bar_start < flat_from + interval 3 days as is_traded
from flat_bars
