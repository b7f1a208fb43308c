-- How many delivered signal rows of a vendor and timeframe a rule of the gate quarantined (`timeframe` is NULL where it
-- could not be read). A copy of a used row was delivered beside it and counts; any other row with the key of a used one
-- has come good since, and does not.
-- Grain: vendor, timeframe, rule
with bad as (
    from staging.quarantined_signal
),

-- The few keys in question are looked for among all signals, not the reverse, which would hash them all.
used as (
    select distinct
        vendor,
        token_id,
        timeframe,
        signal_at
    from core.signal
    semi join bad using (vendor, token_id, timeframe, signal_at)
)

select
    bad.vendor,
    bad.timeframe,
    bad.rule,
    count(*) as n_rows
from bad
left join used using (vendor, token_id, timeframe, signal_at)
where used.vendor is null or bad.rule in ('key_repeated', 'superseded_in_bar')
group by all
