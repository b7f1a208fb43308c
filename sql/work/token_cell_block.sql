-- Calls by block of one horizon's width, for each cell of the token scorecard that takes inference and has its numbers
-- from no other.
-- Grain: cell_id, block
-- Materialized: view
with scored as (
    select
        vendor,
        token_id,
        timeframe,
        horizon,
        case direction when 1 then 'bullish' else 'bearish' end as direction,
        provenance,
        entry_rule,
        block_of(entry_at, horizon, timeframe) as block,
        hit,
        net_return,
        base_hit,
        base_return
    from marts.signal_outcome
    where hit is not null
)

select
    cell.cell_id,
    timeframe,
    horizon,
    scored.block,
    count(*) as n_calls,
    count(*) filter (where scored.direction = 'bullish') as n_bullish,
    count(*) filter (where scored.hit) as n_hits,
    count(scored.base_hit) as n_matched,
    from_fixed(sum(case when scored.base_hit is not null then fixed(scored.hit::integer - scored.base_hit) else 0 end))
        as selection,
    from_fixed(sum(case when scored.base_hit is not null then fixed(scored.net_return - scored.base_return) else 0 end))
        as excess
from scored
inner join work.token_cell as cell using (vendor, token_id, timeframe, horizon, entry_rule)
inner join work.card_scope using (vendor, token_id, timeframe, horizon)
where
    card_scope.is_rescored
    and cell.calls_of = cell.cell_id
    and cell.direction in (scored.direction, 'both')
    and cell.provenance in (scored.provenance, 'all')
group by all
