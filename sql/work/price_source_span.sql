-- First and last bar of one price source of a token, and the close of the last. The span only grows, so an increment
-- needs the new bars and the spans it has.
-- Grain: timeframe, token_id, price_source
with fresh as (
    select
        timeframe,
        token_id,
        coalesce(price_source, '') as price_source,
        min(bar_start) as first_bar_at,
        max(bar_start) as last_bar_at,
        arg_max(close, bar_start) as last_close
    from core.price_bar
    where
        known_to is null
        and not is_preliminary{{ '' if is_full else "
        and snapshot_id > getvariable('last_snapshot_id')" }}
    group by all
)

{% if is_full -%}
from fresh
{%- else -%}
select
    timeframe,
    token_id,
    price_source,
    least(fresh.first_bar_at, old.first_bar_at) as first_bar_at,
    greatest(fresh.last_bar_at, old.last_bar_at) as last_bar_at,
    case
        when old.last_bar_at is null or fresh.last_bar_at >= old.last_bar_at then fresh.last_close else old.last_close
    end as last_close
from fresh
full join work.price_source_span as old using (timeframe, token_id, price_source)
{%- endif %}
