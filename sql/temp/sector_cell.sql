-- Cells of the signal scorecard, with everything that needs no inference.
-- Grain: cell_id
{{ scorecard_cells('sector', has_all=true) }}
