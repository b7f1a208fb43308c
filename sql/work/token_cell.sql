-- Cells of the token scorecard, with everything that needs no inference.
-- Grain: cell_id
{{ scorecard_cells('token_id', has_all=false) }}
