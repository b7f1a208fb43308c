-- Severity: critical
-- Two rows of marts.signal_outcome have the same key: readers would count one thing twice.
select
    vendor,
    token_id,
    timeframe,
    signal_at,
    entry_rule,
    horizon,
    count(*) as n_rows
from marts.signal_outcome
group by all
having count(*) > 1
