{#- The entry moment of each call under each entry rule: one row a call and rule. -#}
{% macro call_entries(calls) -%}
select
    *,
    'next_open' as entry_rule,
    signal_at + bar_length(timeframe) as entry_at
from {{ calls }}
union all
select
    *,
    'tradable' as entry_rule,
    greatest(bar_ceiling(timeframe, known_at), signal_at + bar_length(timeframe)) as entry_at
from {{ calls }}
where provenance in ('witnessed', 'attested')
{%- endmacro %}
