-- The one price source used for a token and timeframe: of those that reach the token's newest bars, the one whose bars
-- begin first, ties by name. A source that closed is left out, because the token's prices would end with it; one may
-- lag by as much as may be missing inside a segment. The choice does not change while bars are added to all sources.
-- Grain: timeframe, token_id
with living as (
    select *
    from work.price_source_span
    qualify
        last_bar_at + to_seconds(tolerated_seconds(timeframe)) >= max(last_bar_at) over (partition by timeframe, token_id)
)

select
    timeframe,
    token_id,
    arg_min(price_source, (first_bar_at, price_source)) as price_source
from living
group by all
