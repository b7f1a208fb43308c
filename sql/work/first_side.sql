-- One signal row of states that takes a side (long or short) before any row of its token was known: no call, because
-- nobody saw that side begin.
-- Grain: vendor, token_id, timeframe, signal_at
-- Replaces: from plan.call_scope as scope where old.vendor = scope.vendor and old.timeframe = scope.timeframe and old.token_id = scope.token_id and old.signal_at >= scope.signal_from
select
    vendor,
    token_id,
    timeframe,
    signal_at
from temp.sided_row
where not is_call
