-- One cell of a vendor's calls (a sector, timeframe, horizon, direction, provenance and entry rule): how good they
-- were, beside what chance gave. A cell with any call has a row; `all` and `both` rows pool others, so do not add them
-- up.
-- Grain: vendor, sector, timeframe, horizon, direction, provenance, entry_rule
select
    card.vendor,
    card.sector,
    card.timeframe,
    card.horizon,
    card.direction,
    card.provenance,
    card.entry_rule,
    {{ scorecard_columns() | indent }}
from temp.sector_card as card
left join temp.sector_comparison as comparison on card.cell_id = comparison.card_id
order by card.cell_id
