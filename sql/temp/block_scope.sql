-- One block of time whose calls are summed anew, because an outcome in it changed.
-- Grain: timeframe, horizon, block
select distinct
    timeframe,
    horizon,
    block_of(entry_at, horizon, timeframe) as block
from {{ 'marts.signal_outcome' if is_full else 'temp.changed_signal_outcome' }}
