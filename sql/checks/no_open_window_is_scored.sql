-- Severity: critical
-- A call is scored although its window has not closed, or is not scored although it has.
select *
from marts.signal_outcome
where (hit is not null) <> (status in ('matured', 'truncated'))
