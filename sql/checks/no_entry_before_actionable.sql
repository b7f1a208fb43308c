-- Severity: critical
-- A call is entered before its signal's bar had closed, or, under the tradable rule, before it was known: look-ahead.
select *
from marts.signal_outcome
where
    entry_at < signal_at + bar_length(timeframe)
    or (entry_rule = 'tradable' and entry_at < known_at)
