-- How many delivered signal rows of a vendor and timeframe a rule of the gate set aside (`timeframe` is NULL where it
-- could not be read). A copy of a used row was delivered beside it and counts; any other row with the key of a used one
-- has come good since, and does not.
-- Grain: vendor, timeframe, rule
select
    bad.vendor,
    bad.timeframe,
    bad.rule,
    count(*) as n_rows
from staging.quarantined_signal as bad
where
    bad.rule in ('key_repeated', 'superseded_in_bar')
    or not exists (
        from core.signal as signal
        where
            signal.vendor = bad.vendor
            and signal.token_id = bad.token_id
            and signal.timeframe = bad.timeframe
            and signal.signal_at = bad.signal_at
    )
group by all
