-- Severity: critical
-- A rate of the signal scorecard lies outside 0 and 1, or outside its own interval.
select *
from marts.signal_scorecard
where
    hit_rate not between 0 and 1
    or base_rate not between 0 and 1
    or hit_rate_floor not between 0 and hit_rate
    or hit_rate < hit_rate_low - 1e-12
    or hit_rate > hit_rate_high + 1e-12
    or selection_p not between 0 and 1
    or edge_p not between 0 and 1
