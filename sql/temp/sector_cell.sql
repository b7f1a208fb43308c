-- One cell of the signal scorecard, with all measures that need no inference.
-- Grain: cell_id
{{ scorecard_cells('sector', has_all=true) }}
