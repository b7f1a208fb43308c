-- The calls of each cell of the signal scorecard by block of one horizon's width.
-- Grain: cell_id, block
{{ scorecard_blocks('sector', has_all=true, cells='work.sector_cell') }}
