-- Calls by block of one horizon's width, for each cell of the token scorecard that takes inference and has its numbers
-- from no other: a row for each direction and provenance that counts in the cell.
-- Grain: cell_id, block, direction, provenance
-- Materialized: view
with blocks as (
    select
        vendor,
        token_id,
        timeframe,
        horizon,
        case outcome.direction when 1 then 'bullish' else 'bearish' end as direction,
        provenance,
        entry_rule,
        block_of(entry_at, horizon, timeframe) as block,
        count(*) as n_calls,
        count(*) filter (where outcome.direction = 1) as n_bullish,
        count(*) filter (where hit) as n_hits,
        count(base_hit) as n_matched,
        from_fixed(sum(case when base_hit is not null then fixed(hit::integer - base_hit) else 0 end)) as selection,
        from_fixed(sum(case when base_hit is not null then fixed(net_return - base_return) else 0 end)) as excess
    from marts.signal_outcome as outcome
    {{ "" if is_full else "semi join (from work.card_scope where is_rescored) using (vendor, token_id, timeframe, horizon)" }}
    where hit is not null
    group by all
)

select
    cell.cell_id,
    timeframe,
    horizon,
    block.block,
    block.direction,
    block.provenance,
    block.n_calls,
    block.n_bullish,
    block.n_hits,
    block.n_matched,
    block.selection,
    block.excess
from blocks as block
inner join work.token_cell as cell using (vendor, token_id, timeframe, horizon, entry_rule)
where
    cell.calls_of = cell.cell_id
    and cell.direction in (block.direction, 'both')
    and cell.provenance in (block.provenance, 'all')
