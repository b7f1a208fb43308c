-- Severity: critical
-- The calls of the sectors, directions and provenances do not add up to those of the cell over all of them.
with leaves as (
    select
        vendor,
        timeframe,
        horizon,
        entry_rule,
        sum(n_calls) as n_calls
    from marts.signal_scorecard
    where sector <> 'all' and direction <> 'both' and provenance <> 'all'
    group by all
),

wholes as (
    select
        vendor,
        timeframe,
        horizon,
        entry_rule,
        n_calls
    from marts.signal_scorecard
    where sector = 'all' and direction = 'both' and provenance = 'all'
)

select *
from leaves
full join wholes using (vendor, timeframe, horizon, entry_rule)
where leaves.n_calls is distinct from wholes.n_calls
