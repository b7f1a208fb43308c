-- The finest cells whose outcomes are summed up anew: those in which some outcome is another one than before.
-- Grain: vendor, token_id, sector, timeframe, horizon, direction, provenance, entry_rule
select distinct
    vendor,
    token_id,
    sector,
    timeframe,
    horizon,
    direction,
    provenance,
    entry_rule
from {{ 'marts.signal_outcome' if is_full else 'temp.changed_signal_outcome' }}
