-- One forward window: what the price did from the open of an entry bar to the close one horizon later, whether or not a
-- call was made there. Only timeframes whose windows are published are in it.
-- Grain: token_id, timeframe, entry_at, horizon
-- Materialized: view
{% for timeframe in timeframes.values() | selectattr('is_published') -%}
{% if not loop.first %}
union all
{% endif -%}
{% for h in horizons[timeframe.name] -%}
select
    token_id,
    '{{ timeframe.name }}' as timeframe,
    entry_at,
    {{ h }}::integer as horizon,
    entry_price,
    case
        when exit_price_{{ h }} is null then entry_at + {{ h }} * {{ timeframe.interval }}
        else least(entry_at + {{ h }} * {{ timeframe.interval }}, segment_end)
    end as exit_at,
    exit_price_{{ h }} as exit_price,
    exit_price_{{ h }} / entry_price - 1 as forward_return,
    highest_{{ h }} as highest,
    lowest_{{ h }} as lowest,
    drawdown_long_{{ h }} as drawdown_long,
    drawdown_short_{{ h }} as drawdown_short,
    case (flags >> {{ 4 * loop.index0 }}) & 9
        when 1 then 'matured'
        when 9 then 'truncated'
        when 8 then 'excluded'
        else 'open'
    end as status
from forward_window_{{ timeframe.name }}
{%- if not loop.last %}
union all
{% endif %}
{%- endfor %}
{%- endfor %}
