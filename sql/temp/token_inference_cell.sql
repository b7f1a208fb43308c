-- One cell of the token scorecard as its inference reads it: it has scored calls, and they or their base rates changed.
-- Grain: cell_id
-- Materialized: view
{{ inference_cells(
    '(from temp.token_cell semi join (from temp.card_scope where is_rescored) using (vendor, token_id, timeframe, horizon))',
    'token_id',
) }}
