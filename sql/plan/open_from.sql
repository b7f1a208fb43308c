-- The earliest entry whose window may still be open: a window is open only while its segment goes on or the market has not
-- passed its end, which no segment that goes on lies behind. The variables are constants by which DuckDB skips the rest.
-- Grain: timeframe
-- Only: increment
{%- for timeframe in timeframes %}
-- Variable: open_from_{{ timeframe }} = min(open_from) filter (timeframe = '{{ timeframe }}')
{%- endfor %}
{%- for timeframe in timeframes %}
select
    '{{ timeframe }}' as timeframe,
    min(ended_at) - {{ horizons[timeframe] | max }} * bar_length('{{ timeframe }}') as open_from
from {{ before('core.segment') }}
where timeframe = '{{ timeframe }}' and not has_ended
{{ 'union all' if not loop.last }}
{%- endfor %}
