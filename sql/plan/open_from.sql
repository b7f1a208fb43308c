-- One timeframe with the earliest entry whose window may still be open (`open_from`). A window is open while its
-- segment goes on, or, if that has ended, until the newest bar of the market has passed its scheduled exit; the newest
-- bar is never before the end of a segment that goes on. The variables repeat the moment as a constant, because only by
-- a constant does DuckDB skip the rows that lie before it.
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
