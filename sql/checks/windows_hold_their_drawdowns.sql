-- Severity: critical
-- A window's drawdown is smaller than its loss. Both are compared to twelve digits.
select *
from core.forward_window
where
    drawdown_long > least(0, forward_return) + 1e-12
    or drawdown_short > least(0, -forward_return) + 1e-12
