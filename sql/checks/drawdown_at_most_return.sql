-- Severity: critical
-- A drawdown is smaller than the loss at the exit, which is a part of it. Both are compared to twelve digits.
select *
from marts.signal_outcome
where max_drawdown > least(0, gross_return) + 1e-12
