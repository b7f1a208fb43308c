-- The calls of a cell of the token scorecard in one block of time (one horizon wide), summed: a row for each direction
-- and provenance (`part`). Only cells that take inference are in it; those that take their numbers from another cell
-- are left out.
-- Grain: cell_id, block, part
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
        {{ block_sums('outcome') | indent(8) }}
    from marts.signal_outcome as outcome
    semi join temp.card_scope as scope
        on
            scope.is_rescored
            and outcome.vendor = scope.vendor
            and outcome.token_id = scope.token_id
            and outcome.timeframe = scope.timeframe
            and outcome.horizon = scope.horizon
    where hit is not null
    group by all
)

select
    cell.cell_id,
    block.timeframe,
    block.horizon,
    block.block,
    part_number(block.direction, block.provenance) as part,
    {{ block_columns('block') | indent }}
from blocks as block
inner join temp.token_cell as cell using (vendor, token_id, timeframe, horizon, entry_rule)
where
    cell.calls_of = cell.cell_id
    and cell.direction in (block.direction, 'both')
    and cell.provenance in (block.provenance, 'all')
