-- The moment from which bars and windows count as recent, which a full build writes last. Windows that nights replace, and the
-- bars under them, are no older than the longest horizon; a month is for the nights until these rows move. What lies
-- together is read without the rest. NULL in an increment.
-- Grain: timeframe
{%- for timeframe in timeframes %}
-- Variable: recent_from_{{ timeframe }} = min(recent_from) filter (timeframe = '{{ timeframe }}')
{%- endfor %}
{%- for timeframe in timeframes %}
select
    '{{ timeframe }}' as timeframe,
    max(bar_start) - {{ (horizons[timeframe] | max) + 30 }} * bar_length('{{ timeframe }}') as recent_from
from core.price_bar
where timeframe = '{{ timeframe }}'{{ '' if is_full else ' and false' }}
{{ 'union all' if not loop.last }}
{%- endfor %}
