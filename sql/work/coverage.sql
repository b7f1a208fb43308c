-- The span in which a vendor covers a token: from its first signal row of the token to 3 bars after its newest signal
-- row of any token.
-- Grain: vendor, timeframe, token_id
with rows_of_vendor as (
    select
        vendor,
        timeframe,
        token_id,
        signal_at as covered_from,
        signal_at as newest_signal_at
    from core.signal
    where not is_preliminary{{ '' if is_full else " and snapshot_id > getvariable('last_snapshot_id')" }}
    {%- if not is_full %}
    -- Both ends only move outward, so an increment needs the new rows and the spans it has.
    union all
    select
        vendor,
        timeframe,
        token_id,
        covered_from,
        newest_signal_at
    from work.coverage
    {%- endif %}
),

spans as (
    select
        vendor,
        timeframe,
        token_id,
        min(covered_from) as covered_from,
        max(newest_signal_at) as newest_signal_at
    from rows_of_vendor
    group by all
)

select
    vendor,
    timeframe,
    token_id,
    covered_from,
    newest_signal_at,
    max(newest_signal_at) over (partition by vendor, timeframe) + 3 * bar_length(timeframe) as covered_to
from spans
