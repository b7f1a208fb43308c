-- One signal row that was changed, removed or inserted after it was first published, or that follows such a row:
-- whether the vendor's history as it is today has a call there (`is_call`), and whether it is the call that was first
-- published (`is_unchanged`).
-- Grain: vendor, token_id, timeframe, signal_at
with touched as (
    select
        vendor,
        token_id,
        timeframe,
        moment_at as signal_at,
        bool_or(kind = 'appeared') as has_appeared
    from marts.restatement
    where dataset = 'signals' and (kind <> 'changed' or field in ('direction', 'trend'))
    group by all
),

gone as (
    select distinct
        vendor,
        token_id,
        timeframe,
        moment_at as signal_at
    from staging.vanished_row
    where dataset = 'signals' and back_at is null
),

newest as (
    select
        signal.vendor,
        signal.token_id,
        signal.timeframe,
        signal.signal_at,
        case when gone.vendor is null then signal.direction end as direction,
        case when gone.vendor is null then coalesce(signal.trend, signal.direction) end as side,
        touched.vendor is not null as is_touched,
        coalesce(touched.has_appeared, false) as has_appeared
    from core.signal as signal
    semi join touched as of_token using (vendor, token_id, timeframe)
    left join touched using (vendor, token_id, timeframe, signal_at)
    left join gone using (vendor, token_id, timeframe, signal_at)
    where not signal.is_preliminary and signal.known_to is null
),

-- Every row of events that takes a side is a call, whatever the side before it was.
followed as (
    select
        newest.*,
        case style.style when 'events' then 0 else lag(newest.side ignore nulls) over token end as side_before,
        newest.is_touched
        or (style.style = 'states' and coalesce(lag(newest.is_touched) over token, false)) as is_affected
    from newest
    inner join work.style as style using (vendor, timeframe)
    window token as (partition by newest.vendor, newest.token_id, newest.timeframe order by newest.signal_at)
),

affected as (
    select *
    from followed
    where is_affected
)

select
    affected.vendor,
    affected.token_id,
    affected.timeframe,
    affected.signal_at,
    affected.direction,
    coalesce(call.sector, current_token.sector) as sector,
    coalesce(affected.direction <> 0 and affected.direction <> affected.side_before, false) as is_call,
    is_call and coalesce(call.direction = affected.direction, false) and not affected.has_appeared as is_unchanged
from affected
left join core.call as call using (vendor, token_id, timeframe, signal_at)
left join work.current_token as current_token using (token_id)
