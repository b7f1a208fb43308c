-- One timeframe with the moment from which its bars and windows count as recent (`recent_from`). A full build writes
-- recent rows last, so that they lie together on disk: increments replace windows no older than the longest horizon and
-- the bars under them, and can then read them without the rest. 30 bars are added as a reserve. NULL in an increment.
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
