-- One card of a token that has scored calls, with the families in which it is compared with other cards.
-- Grain: card_id
-- Materialized: view
{{ family_members('work.token_card', 'rowid', 'token_id', 'true') }}
