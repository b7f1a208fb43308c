-- From when to when a vendor covers a token: from the token's first row to 3 bars after the vendor's newest one.
-- Grain: vendor, timeframe, token_id
with extents as (
    select
        vendor,
        timeframe,
        token_id,
        min(signal_at) as covered_from,
        max(signal_at) as newest_signal_at
    from core.signal
    where not is_preliminary
    group by all
)

select
    vendor,
    timeframe,
    token_id,
    covered_from,
    newest_signal_at,
    max(newest_signal_at) over (partition by vendor, timeframe) + 3 * bar_length(timeframe) as covered_to
from extents
