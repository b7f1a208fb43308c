-- What one card of a token gets from being compared with its family, under the key of the card.
-- Grain: vendor, token_id, timeframe, horizon, direction, provenance, entry_rule
select
    card.vendor,
    card.token_id,
    card.timeframe,
    card.horizon,
    card.direction,
    card.provenance,
    card.entry_rule,
    comparison.* exclude (card_id)
from temp.token_comparison as comparison
inner join work.token_card as card on comparison.card_id = card.rowid
