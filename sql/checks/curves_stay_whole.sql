-- Severity: critical
-- A curve is below nothing, or its drawdown is above 0 or below -1.
select *
from marts.sector_equity
where equity < 0 or drawdown > 0 or drawdown < -1
