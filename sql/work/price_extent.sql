-- From when to when each price source has told a token's bars. It only grows, so a night adds what is new.
-- Grain: timeframe, token_id, price_source
with told as (
    select
        timeframe,
        token_id,
        coalesce(price_source, '') as price_source,
        bar_start as first_bar_at,
        bar_start as last_bar_at
    from core.price_bar
    where not is_preliminary{{ '' if is_full else " and snapshot_id > getvariable('last_snapshot_id')" }}
    {%- if not is_full %}
    union all
    from work.price_extent
    {%- endif %}
)

select
    timeframe,
    token_id,
    price_source,
    min(first_bar_at) as first_bar_at,
    max(last_bar_at) as last_bar_at
from told
group by all
