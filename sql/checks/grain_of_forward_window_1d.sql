-- Severity: critical
-- Two rows of core.forward_window_1d have the same key: readers would count one thing twice.
select
    token_id,
    entry_at,
    count(*) as n_rows
from core.forward_window_1d
group by all
having count(*) > 1
