-- Cells of tokens that take inference: those with scored calls of which one is another one than before.
-- Grain: cell_id
-- Materialized: view
{{ inference_cells(
    '(from temp.token_cell semi join (from temp.card_scope where is_rescored) using (vendor, token_id, timeframe, horizon))',
    'token_id',
) }}
