{#- What the variances of overlapping calls are made of: the scored outcomes of `source`, added up by block. -#}
{% macro block_sums(source) -%}
count(*) as n_calls,
count(*) filter (where {{ source }}.direction = 1) as n_bullish,
count(*) filter (where hit) as n_hits,
count(base_hit) as n_matched,
from_fixed(sum(case when base_hit is not null then fixed(hit::integer - base_hit) else 0 end)) as selection,
from_fixed(sum(case when base_hit is not null then fixed(net_return - base_return) else 0 end)) as excess
{%- endmacro %}
