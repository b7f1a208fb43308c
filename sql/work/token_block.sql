-- The calls of each cell of the token scorecard by block of one horizon's width.
-- Grain: cell_id, block
{{ scorecard_blocks('token_id', has_all=false, cells='work.token_cell') }}
