-- Severity: critical
-- Scored, open, excluded and unpriced calls of the scorecard do not add up to the calls there are at each horizon.
with calls as (
    select
        vendor,
        timeframe,
        horizon,
        entry_rule,
        count(*) as n_outcomes
    from marts.signal_outcome
    group by all
),

cells as (
    select
        vendor,
        timeframe,
        horizon,
        entry_rule,
        sum(n_calls + n_open + n_excluded + n_unpriced) as n_in_scorecard
    from marts.signal_scorecard
    where sector = 'all' and direction = 'both' and provenance = 'all'
    group by all
)

select *
from calls
full join cells using (vendor, timeframe, horizon, entry_rule)
where n_outcomes is distinct from n_in_scorecard
