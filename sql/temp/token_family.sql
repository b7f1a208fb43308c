-- Cards of tokens with scored calls, as members of the families that they are compared in.
-- Grain: card_id
-- Materialized: view
{{ family_members('work.token_card', 'rowid', 'token_id', 'true') }}
