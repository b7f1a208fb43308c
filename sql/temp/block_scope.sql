-- The blocks of time whose calls are gathered anew: those in which some outcome is another one than before.
-- Grain: timeframe, horizon, block
select distinct
    timeframe,
    horizon,
    block_of(entry_at, horizon, timeframe) as block
from {{ 'marts.signal_outcome' if is_full else 'temp.changed_signal_outcome' }}
