-- Severity: critical
-- Two rows of marts.token_scorecard have the same key: readers would count one thing twice.
select
    vendor,
    token_id,
    timeframe,
    horizon,
    direction,
    provenance,
    entry_rule,
    count(*) as n_rows
from marts.token_scorecard
group by all
having count(*) > 1
