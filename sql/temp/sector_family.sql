-- Cards of sectors with scored calls, as members of the families that they are compared in.
-- Grain: card_id
-- Materialized: view
{{ family_members('temp.sector_card', 'cell_id', 'sector', "card.sector <> 'all'") }}
