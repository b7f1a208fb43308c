-- The one price source used for each token and timeframe: of those that reach the token's newest bars (within what may be
-- missing inside a segment, else the token would stand still at the end of a source that closed) the one whose bars begin
-- first, ties by name: the choice does not change while bars are added to both.
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
