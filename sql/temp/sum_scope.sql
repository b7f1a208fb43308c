-- One finest cell whose outcomes are summed anew, because one of them changed.
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
