-- The outcome of one call under one entry rule at one horizon: its window, return and excursions, whether it was a hit,
-- and what chance gave at the same moment.
-- Grain: vendor, token_id, timeframe, signal_at, entry_rule, horizon
-- Replaces: from temp.outcome_scope as scope where old.timeframe = scope.timeframe and old.entry_at = scope.entry_at
{% for timeframe in timeframes -%}
from (
    {{ outcomes(timeframe) | indent }}
)
{%- if not loop.last %}
union all
{% endif %}
{%- endfor %}
