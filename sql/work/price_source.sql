-- The one price source used for each token and timeframe: the one whose bars begin first, ties by name, so that the
-- choice does not change as bars are added. Of those that begin together one that goes on is before one that fell
-- silent: a history delivered again under another name goes on under that name.
-- Grain: timeframe, token_id
with extents as (
    select
        timeframe,
        token_id,
        coalesce(price_source, '') as price_source,
        min(bar_start) as first_bar_at,
        max(bar_start) as newest_bar_at
    from core.price_bar
    where not is_preliminary
    group by all
),

sources as (
    select
        *,
        max(newest_bar_at) over (partition by timeframe, token_id) - newest_bar_at > interval 3 days as is_silent
    from extents
)

select
    timeframe,
    token_id,
    arg_min(price_source, (first_bar_at, is_silent, price_source)) as price_source
from sources
group by all
