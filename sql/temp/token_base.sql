-- The flags of one window of a token whose scorecard rows take inference: its base rates are computed from these.
-- Grain: timeframe, position
-- Materialized: view
{% for timeframe in timeframes -%}
{{ token_base(timeframe) }}
{{ 'union all' if not loop.last }}
{% endfor %}
