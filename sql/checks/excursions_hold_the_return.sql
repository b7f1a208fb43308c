-- Severity: critical
-- A call's return lies outside its own excursions.
select *
from marts.signal_outcome
where gross_return < mae - 1e-12 or gross_return > mfe + 1e-12
