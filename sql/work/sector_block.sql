-- The calls of one block of time (one horizon wide), summed for each sector (and all of them), direction and
-- provenance. The variances of overlapping calls are computed from these. Fractions are summed in fixed point.
-- Grain: vendor, sector, timeframe, horizon, direction, provenance, entry_rule, block
-- Replaces: from temp.block_scope as scope where old.timeframe = scope.timeframe and old.horizon = scope.horizon and old.block = scope.block
with scored as (
    select
        outcome.*,
        block_of(outcome.entry_at, outcome.horizon, outcome.timeframe) as block
    from marts.signal_outcome as outcome
    semi join temp.block_scope as scope
        on
            outcome.timeframe = scope.timeframe
            and outcome.horizon = scope.horizon
            and block_of(outcome.entry_at, outcome.horizon, outcome.timeframe) = scope.block
)

select
    vendor,
    coalesce(sector, 'all') as sector,
    timeframe,
    horizon,
    case direction when 1 then 'bullish' when -1 then 'bearish' else 'both' end as direction,
    provenance,
    entry_rule,
    block,
    {{ block_sums('scored') | indent }}
from scored
where hit is not null
group by
    vendor,
    timeframe,
    horizon,
    provenance,
    entry_rule,
    block,
    cube (sector, direction)
