-- The calls of a cell of the signal scorecard in one block of time (one horizon wide), summed: a row for each direction
-- and provenance (`part`). Cells that take their numbers from another cell are left out.
-- Grain: cell_id, block, part
-- Materialized: view
select
    cell.cell_id,
    block.timeframe,
    block.horizon,
    block.block,
    part_number(block.direction, block.provenance) as part,
    {{ block_columns('block') | indent }}
from work.sector_block as block
inner join temp.sector_cell as cell using (vendor, sector, timeframe, horizon, direction, entry_rule)
where cell.calls_of = cell.cell_id and cell.provenance in (block.provenance, 'all')
