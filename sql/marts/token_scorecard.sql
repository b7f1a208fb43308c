-- One cell of a vendor's calls on one token: the signal scorecard token by token, without sectors. Most cells have few
-- calls, so read is_reportable first.
-- Grain: vendor, token_id, timeframe, horizon, direction, provenance, entry_rule
-- Materialized: view
select
    card.vendor,
    card.token_id,
    current_token.symbol,
    card.timeframe,
    card.horizon,
    card.direction,
    card.provenance,
    card.entry_rule,
    {{ scorecard_columns() | indent }}
from work.token_card as card
left join work.current_token as current_token using (token_id)
left join work.card_comparison as comparison
    using (vendor, token_id, timeframe, horizon, direction, provenance, entry_rule)
