-- The one price source used for each token and timeframe: the one whose bars begin first, ties by name, so that the
-- choice does not change as bars are added.
-- Grain: timeframe, token_id
with sources as (
    select
        timeframe,
        token_id,
        price_source,
        min(bar_start) as first_bar_at
    from core.price_bar
    where not is_preliminary
    group by all
)

select
    timeframe,
    token_id,
    arg_min(coalesce(price_source, ''), (first_bar_at, coalesce(price_source, ''))) as price_source
from sources
group by all
