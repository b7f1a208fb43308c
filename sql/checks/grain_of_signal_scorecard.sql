-- Severity: critical
-- Two rows of marts.signal_scorecard have the same key: readers would count one thing twice.
select
    vendor,
    sector,
    timeframe,
    horizon,
    direction,
    provenance,
    entry_rule,
    count(*) as n_rows
from marts.signal_scorecard
group by all
having count(*) > 1
