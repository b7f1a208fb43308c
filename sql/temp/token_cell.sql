-- One cell of the token scorecard that is computed anew, with all measures that need no inference.
-- Grain: cell_id
{{ scorecard_cells('token_id', has_all=false, scope='semi join temp.card_scope using (vendor, timeframe, token_id, horizon)') }}
