{#-
Sums over the scored outcomes of `source` in one block of time, from which the variances of overlapping calls follow.
-#}
{% macro block_sums(source) -%}
count(*) as n_calls,
count(*) filter (where {{ source }}.direction = 1) as n_bullish,
count(*) filter (where hit) as n_hits,
{% for size in measures.signal.sizes -%}
{{ size.over_outcomes }} as {{ size.name }},
{% endfor -%}
{% for contrast in measures.signal.contrasts -%}
from_fixed(sum(case when {{ contrast.where }} then fixed({{ contrast.difference }}) else 0 end)) as {{ contrast.name }}{{ ',' if not loop.last }}
{% endfor -%}
{%- endmacro %}

{#- The columns of these sums, for a select that passes them on. -#}
{% macro block_columns(source) -%}
{% for name in ['n_calls', 'n_bullish', 'n_hits'] + (measures.signal.sizes | map(attribute='name') | list) + (measures.signal.contrasts | map(attribute='name') | list) -%}
{{ source }}.{{ name }}{{ ',' if not loop.last }}
{% endfor -%}
{%- endmacro %}
