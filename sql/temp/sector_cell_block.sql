-- Calls by block of one horizon's width, for each cell of the signal scorecard that has its numbers from no other: a row
-- for each provenance that counts in the cell, with a number of its own.
-- Grain: cell_id, block, part
-- Materialized: view
select
    cell.cell_id,
    block.timeframe,
    block.block,
    part_number(block.direction, block.provenance) as part,
    {{ block_columns('block') | indent }}
from work.sector_block as block
inner join temp.sector_cell as cell using (vendor, sector, timeframe, horizon, direction, entry_rule)
where cell.calls_of = cell.cell_id and cell.provenance in (block.provenance, 'all')
