-- The outcome of one call under one entry rule at one horizon: its window, return and excursions, whether it was a hit,
-- and what chance gave at the same moment.
-- Grain: vendor, token_id, timeframe, signal_at, entry_rule, horizon
-- Replaces: from temp.outcome_scope as scope where old.timeframe = scope.timeframe and old.entry_at = scope.entry_at
{% for timeframe in timeframes -%}
from (
    with windows as (
        {{ entry_windows(timeframe, 'work.call_entry', 'temp.outcome_scope') | indent(8) }}
    ),

    {{ judgement(timeframe, 'windows') | indent }}

    select
        vendor,
        token_id,
        timeframe,
        signal_at,
        entry_rule,
        horizon,
        symbol,
        sector,
        direction::integer as direction,
        provenance,
        known_at,
        after_gap,
        entry_at,
        entry_price,
        {{ judgement_columns() | indent(8) }}
    from judged
)
{%- if not loop.last %}
union all
{% endif %}
{%- endfor %}
