-- Cards of tokens as their own calls make them, without what compares them with the others. Where no scored call changed,
-- what was inferred stays.
-- Grain: vendor, token_id, timeframe, horizon, direction, provenance, entry_rule
-- Replaces: from temp.card_scope as scope where old.vendor = scope.vendor and old.token_id = scope.token_id and old.timeframe = scope.timeframe and old.horizon = scope.horizon
select
    {{ cards('token_id') | indent }}
from temp.token_cell as cell
left join temp.token_inference as inference using (cell_id)
{%- if not is_full %}
semi join (from temp.card_scope where is_rescored) as scope
    on
        cell.vendor = scope.vendor
        and cell.token_id = scope.token_id
        and cell.timeframe = scope.timeframe
        and cell.horizon = scope.horizon
union all
select
    {{ cards('token_id') | indent }}
from temp.token_cell as cell
left join work.token_card as inference
    using (vendor, token_id, timeframe, horizon, direction, provenance, entry_rule)
anti join (from temp.card_scope where is_rescored) as scope
    on
        cell.vendor = scope.vendor
        and cell.token_id = scope.token_id
        and cell.timeframe = scope.timeframe
        and cell.horizon = scope.horizon
{%- endif %}
