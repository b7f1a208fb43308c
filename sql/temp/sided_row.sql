-- One row of plan.call_scope that takes a side (long or short), with the side that its token was on before, by what was
-- known at the row's own moment. `before_at` is NULL where no row of the token was known yet. Rows of states that repeat
-- the side before are left out, because there is one every bar.
-- Grain: vendor, token_id, timeframe, signal_at
with versions as (
    select
        signal.vendor,
        signal.timeframe,
        signal.token_id,
        signal.signal_at,
        signal.direction,
        coalesce(signal.trend, signal.direction) as side,
        signal.revision,
        signal.provenance,
        signal.known_at,
        case when signal.revision = 0 then signal.known_at else signal.known_from end as known_from,
        signal.known_to,
        scope.signal_from
    from core.signal as signal
    inner join plan.call_scope as scope using (vendor, timeframe, token_id)
    where
        not signal.is_preliminary
        and (scope.anchor_at is null or signal.signal_at >= scope.anchor_at)
        and signal.signal_at >= getvariable('call_from')
),

neighbours as (
    select
        *,
        lag(signal_at) over token as previous_at,
        lag(side) over token as previous_side,
        lag(known_from) over token as previous_known_from,
        lag(known_to) over token as previous_known_to
    from versions
    where revision = 0
    window token as (partition by vendor, timeframe, token_id order by signal_at)
),

candidates as (
    select
        *,
        previous_at is null
        or (previous_known_from <= known_at and (previous_known_to is null or previous_known_to > known_at)) as is_plain
    from neighbours
    where direction <> 0 and signal_at >= signal_from
),

-- Rows whose row before was not known yet at their moment, or had been restated by then: the side before is looked up
-- among the versions that were known.
unclear as (
    select
        vendor,
        timeframe,
        token_id,
        signal_at,
        known_at
    from candidates
    where not is_plain
),

known_rows as not materialized (
    select
        vendor,
        timeframe,
        token_id,
        signal_at as earlier_at,
        coalesce(trend, direction) as side,
        case when revision = 0 then known_at else known_from end as known_from,
        known_to
    from core.signal
    where not is_preliminary
),

-- Nearly all have such a version on the 7 days before, where an equality join by day finds it quickly.
unclear_days as (
    select
        *,
        unnest(generate_series(signal_at::date - interval 7 days, signal_at::date, interval 1 day)) as day
    from unclear
),

found_nearby as (
    {{ last_known_side('unclear_days', 'unclear.day = known_rows.earlier_at::date') | indent }}
),

not_found_nearby as (
    from unclear
    anti join found_nearby using (vendor, timeframe, token_id, signal_at)
),

sides_before as (
    from found_nearby
    union all
    {{ last_known_side('not_found_nearby', 'true') | indent }}
),

sided as (
    select
        candidates.*,
        case when candidates.is_plain then candidates.previous_side else sides_before.side_before end as side_before,
        case when candidates.is_plain then candidates.previous_at else sides_before.before_at end as before_at
    from candidates
    left join sides_before using (vendor, timeframe, token_id, signal_at)
)

select
    sided.vendor,
    sided.token_id,
    sided.timeframe,
    sided.signal_at,
    sided.direction,
    sided.side_before,
    sided.before_at,
    sided.known_at,
    sided.provenance,
    style.style = 'events' or sided.before_at is not null as is_call
from sided
inner join work.style as style using (vendor, timeframe)
where style.style = 'events' or sided.before_at is null or sided.direction <> sided.side_before
