-- Own windows of each token whose scorecards take inference: their base rates.
-- Grain: timeframe, position
-- Materialized: view
{% for timeframe in timeframes -%}
{{ token_base(timeframe) }}
{{ 'union all' if not loop.last }}
{% endfor %}
