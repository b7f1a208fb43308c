-- Severity: critical
-- Two rows of marts.sector_equity have the same key: readers would count one thing twice.
select
    vendor,
    sector,
    timeframe,
    policy,
    bar_start,
    count(*) as n_rows
from marts.sector_equity
group by all
having count(*) > 1
