-- One call: the first version of a signal row that takes a side (long or short) which the token was not on before. A
-- later change of the row does not change its call. A vendor's first row of a token is never a call, because no side
-- before it is known.
-- Grain: vendor, token_id, timeframe, signal_at
-- Replaces: from plan.call_scope as scope where old.vendor = scope.vendor and old.timeframe = scope.timeframe and old.token_id = scope.token_id and old.signal_at >= scope.signal_from
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
        previous_known_from <= known_at and (previous_known_to is null or previous_known_to > known_at) as is_plain
    from neighbours
    where direction <> 0 and signal_at >= signal_from and previous_at is not null
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
    sided.signal_at - sided.before_at > bar_length(sided.timeframe) as after_gap,
    sided.known_at,
    sided.provenance,
    epoch.epoch as sector_epoch,
    token_sector.sector
from sided
asof inner join work.sector_epoch as epoch on sided.known_at >= epoch.valid_from
inner join work.token_sector as token_sector
    on epoch.epoch = token_sector.epoch and sided.token_id = token_sector.token_id
where sided.before_at is not null and sided.direction <> sided.side_before
