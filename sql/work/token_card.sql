-- One row of the token scorecard (a card) before cards are compared with each other. Where no scored call changed, the
-- inferred measures of the build before are kept.
-- Grain: vendor, token_id, timeframe, horizon, direction, provenance, entry_rule
-- Rewrites: from temp.card_scope as scope where old.vendor = scope.vendor and old.token_id = scope.token_id and old.timeframe = scope.timeframe and old.horizon = scope.horizon
{% if is_full -%}
select
    {{ cards('token_id') | indent }}
from temp.token_cell as cell
left join temp.token_inference as inference using (cell_id)
{%- else -%}
with cells as (
    select
        cell.*,
        scope.is_rescored
    from temp.token_cell as cell
    inner join temp.card_scope as scope using (vendor, token_id, timeframe, horizon)
)

select
    {{ cards('token_id') | indent }}
from cells as cell
left join temp.token_inference as inference using (cell_id)
where cell.is_rescored
union all
select
    {{ cards('token_id') | indent }}
from cells as cell
left join work.token_card as inference
    using (vendor, token_id, timeframe, horizon, direction, provenance, entry_rule)
where not cell.is_rescored
{%- endif %}
