-- First and last bar of one price source of a token. The span only grows, so an increment needs the new bars and the
-- spans it has.
-- Grain: timeframe, token_id, price_source
with bars as (
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
    from work.price_source_span
    {%- endif %}
)

select
    timeframe,
    token_id,
    price_source,
    min(first_bar_at) as first_bar_at,
    max(last_bar_at) as last_bar_at
from bars
group by all
