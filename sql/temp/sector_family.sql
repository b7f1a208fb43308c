-- One card of a sector that has scored calls, with the families in which it is compared with other cards.
-- Grain: card_id
-- Materialized: view
{{ family_members('temp.sector_card', 'cell_id', 'sector', "card.sector <> 'all'") }}
