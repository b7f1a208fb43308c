{#- The columns of cells that inference reads, with entry moments as bar numbers. -#}
{% macro inference_cells(cells, group) -%}
select
    cell_id,
    calls_of,
    vendor_id,
    {{ group }} as group_key,
    timeframe,
    horizon,
    n_calls,
    n_bullish,
    hit_rate,
    mean_base_hit,
    {%- for contrast in measures.signal.contrasts %}
    {{ contrast.name }},
    {%- endfor %}
    bar_number(timeframe, first_entry_at) as first_step,
    bar_number(timeframe, last_entry_at) as last_step
from {{ cells }}
inner join work.vendor using (vendor)
where n_calls > 0
{%- endmacro %}

{#-
The columns of cards before these are compared with each other; a card is one row of a scorecard. Measures over sums
come from its cell, inferred ones from `inference`, which has only cells with scored calls.
-#}
{% macro cards(group) -%}
cell.vendor,
cell.{{ group }},
cell.timeframe,
cell.horizon,
cell.direction,
cell.provenance,
cell.entry_rule,
{% for measure in measures.signal.columns if measure.stands_in != 'comparison' -%}
{% if measure.stands_in == 'cell' -%}
cell.{{ measure.name }}
{%- elif measure.missing -%}
coalesce(inference.{{ measure.name }}, {{ measure.missing }}) as {{ measure.name }}
{%- else -%}
inference.{{ measure.name }}
{%- endif %}{{ ',' if not loop.last }}
{% endfor -%}
{%- endmacro %}

{#-
The cards with scored calls, each with the families in which it is compared with others. q values count only cards of
one group and one direction (`is_leaf`); hit rates are shrunk only between groups (`is_group`, false for `all`).
-#}
{% macro family_members(cards, card_id, group, is_group) -%}
with families as (
    select
        *,
        dense_rank() over (order by timeframe, horizon, vendor, provenance, entry_rule) as q_family,
        row_number() over (
            order by timeframe, horizon, vendor, provenance, entry_rule, direction
        ) as shrink_family
    from (
        select distinct
            timeframe,
            horizon,
            vendor,
            provenance,
            entry_rule,
            direction
        from {{ cards }}
    )
)

select
    card.{{ card_id }} as card_id,
    card.{{ group }} as group_key,
    card.n_calls,
    card.n_clusters,
    card.n_effective,
    {%- for measure in measures.signal.compared %}
    card.{{ measure.of }},
    {%- endfor %}
    {{ is_group }} as is_group,
    {{ is_group }} and card.direction <> 'both' as is_leaf,
    families.q_family,
    families.shrink_family
from {{ cards }} as card
inner join families using (timeframe, horizon, vendor, provenance, entry_rule, direction)
where card.n_calls > 0
{%- endmacro %}

{#- The columns of a scorecard after its key. -#}
{% macro scorecard_columns() -%}
{% for measure in measures.signal.columns -%}
{{ 'comparison' if measure.stands_in == 'comparison' else 'card' }}.{{ measure.name }}{{ ',' if not loop.last }}
{% endfor -%}
{%- endmacro %}
