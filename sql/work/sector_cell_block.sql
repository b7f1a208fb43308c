-- Calls by block of one horizon's width, for each cell of the signal scorecard that has its numbers from no other.
-- Grain: cell_id, block
-- Materialized: view
select
    cell.cell_id,
    timeframe,
    horizon,
    block.block,
    sum(block.n_calls)::bigint as n_calls,
    sum(block.n_bullish)::bigint as n_bullish,
    sum(block.n_hits)::bigint as n_hits,
    sum(block.n_matched)::bigint as n_matched,
    from_fixed(sum(block.selection)) as selection,
    from_fixed(sum(block.excess)) as excess
from work.sector_block as block
inner join work.sector_cell as cell using (vendor, sector, timeframe, horizon, direction, entry_rule)
where cell.calls_of = cell.cell_id and cell.provenance in (block.provenance, 'all')
group by all
