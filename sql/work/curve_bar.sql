-- What one bar contributes to the curves of a vendor's sector: counts of tokens, changes of stance, and fixed-point
-- sums of returns. Sums of sectors add up to those of `all`, and a night adds bars without touching older ones.
-- Grain: vendor, timeframe, sector, bar_start
-- Replaces: from plan.curve_scope as scope where old.bar_start >= getvariable('curve_from') and old.timeframe = scope.timeframe and old.bar_start >= scope.bar_from
with bars as (
    select
        coverage.vendor,
        bar.timeframe,
        bar.token_id,
        token.sector,
        bar.segment,
        bar.segment_start,
        bar.bar_start,
        bar.open,
        bar.close,
        scope.bar_from,
        bar.segment > 1 or bar.bar_start >= bar.segment_start + interval 7 days as is_seasoned,
        bar.bar_start between coverage.covered_from and coverage.covered_to as is_covered,
        -- The stances of a vendor that has gone silent end one bar before its coverage does; that of events has no end.
        bar.bar_start < coverage.covered_to - bar_length(bar.timeframe) as may_have_stance
    from work.spine_bar as bar
    inner join plan.curve_scope as scope using (timeframe)
    inner join work.coverage as coverage using (timeframe, token_id)
    inner join work.current_token as token using (token_id)
    where
        token.is_scored
        and bar.bar_start >= scope.bar_from - bar_length(bar.timeframe)
        and bar.bar_start >= getvariable('curve_from')::timestamp - {{ longest_bar }}
),

-- Signal rows of the scope and of the 7 days before it, which nearly always contain the stance at its beginning.
recent as (
    select
        signal.vendor,
        signal.timeframe,
        signal.token_id,
        signal.signal_at + bar_length(signal.timeframe) as stance_from,
        signal.expires_at,
        coalesce(signal.trend, signal.direction) as side
    from core.signal as signal
    inner join plan.curve_scope as scope using (timeframe)
    where
        signal.revision = 0
        and signal.signal_at + bar_length(signal.timeframe) >= scope.bar_from - interval 7 days
        and signal.signal_at >= getvariable('curve_from')::timestamp - interval 7 days - {{ longest_bar }}
),

found as (
    select
        recent.vendor,
        recent.timeframe,
        recent.token_id
    from recent
    inner join plan.curve_scope as scope using (timeframe)
    where recent.stance_from <= scope.bar_from - bar_length(recent.timeframe)
),

not_found as (
    select
        vendor,
        timeframe,
        token_id
    from work.coverage
    semi join bars using (vendor, timeframe, token_id)
    anti join found using (vendor, timeframe, token_id)
),

-- The newest signal row before those, only of the few tokens whose stance at the beginning was not found.
earlier as (
    select
        signal.vendor,
        signal.timeframe,
        signal.token_id,
        max(signal.signal_at) + bar_length(signal.timeframe) as stance_from,
        arg_max_null(signal.expires_at, signal.signal_at) as expires_at,
        arg_max(coalesce(signal.trend, signal.direction), signal.signal_at) as side
    from core.signal as signal
    inner join not_found using (vendor, timeframe, token_id)
    inner join plan.curve_scope as scope using (timeframe)
    where
        signal.revision = 0
        and signal.signal_at < scope.bar_from - interval 7 days - bar_length(signal.timeframe)
    group by signal.vendor, signal.timeframe, signal.token_id
),

sides as (
    select
        found_side.* exclude (expires_at),
        case style.style when 'events' then found_side.expires_at end as stance_to
    from (
        from recent
        union all
        from earlier
    ) as found_side
    inner join work.style as style using (vendor, timeframe)
),

stanced as (
    select
        bars.*,
        bars.is_seasoned and bars.is_covered as is_eligible,
        case
            when bars.bar_start >= sides.stance_to then 0
            when bars.is_seasoned and bars.may_have_stance and sides.stance_from >= bars.segment_start then sides.side
            else 0
        end as stance
    from bars
    asof left join sides
        on
            bars.vendor = sides.vendor
            and bars.timeframe = sides.timeframe
            and bars.token_id = sides.token_id
            and bars.bar_start >= sides.stance_from
),

lagged as (
    select
        *,
        coalesce(lag(stance) over segment_bars, 0) as stance_before,
        coalesce(lag(is_eligible) over segment_bars, false) as was_eligible,
        lag(close) over segment_bars as close_before
    from stanced
    window segment_bars as (partition by vendor, timeframe, token_id, segment order by bar_start)
),

positions as (
    select
        lagged.*,
        lagged.is_eligible and lagged.segment = hold_entry.segment as is_in,
        lagged.was_eligible and lagged.segment = hold_entry.segment as was_in,
        hold_entry.entry_price
    from lagged
    left join work.hold_entry as hold_entry using (vendor, timeframe, token_id)
    where lagged.is_eligible or lagged.was_eligible or lagged.stance <> 0 or lagged.stance_before <> 0
),

moves as (
    select
        vendor,
        timeframe,
        sector,
        bar_start,
        bar_from,
        (stance = 1)::integer as n_long,
        (stance = -1)::integer as n_short,
        abs(stance - stance_before) as n_changes,
        case
            when stance = 0 then 0
            else greatest(
                -1, stance * (case when stance = stance_before then close / close_before else close / open end - 1)
            )
        end as earned,
        is_eligible::integer as n_covered,
        (is_eligible <> was_eligible)::integer as n_covered_changes,
        case
            when not is_eligible then 0
            else greatest(-1, case when was_eligible then close / close_before else close / open end - 1)
        end as covered_earned,
        is_in::integer as n_in,
        (is_in <> was_in)::integer as n_in_changes,
        (is_in and not was_in)::integer as n_joined,
        case
            when not is_in then 0
            else (close - case when was_in then close_before else open end) / entry_price
        end as in_earned
    from positions
),

-- A position is closed on the bar after its segment ended, which is a change of stance.
exits as (
    select
        lagged.vendor,
        lagged.timeframe,
        lagged.sector,
        segment.ended_at as bar_start,
        lagged.bar_from,
        abs(lagged.stance) as n_changes,
        lagged.is_eligible::integer as n_covered_changes,
        (lagged.is_eligible and lagged.segment = hold_entry.segment)::integer as n_in_changes
    from lagged
    inner join core.segment as segment
        on
            lagged.timeframe = segment.timeframe
            and lagged.token_id = segment.token_id
            and lagged.segment = segment.segment
            and lagged.bar_start + bar_length(lagged.timeframe) = segment.ended_at
    inner join work.newest_bar as newest_bar on lagged.timeframe = newest_bar.timeframe
    left join work.hold_entry as hold_entry
        on
            lagged.vendor = hold_entry.vendor
            and lagged.timeframe = hold_entry.timeframe
            and lagged.token_id = hold_entry.token_id
    where
        segment.has_ended
        and segment.ended_at <= newest_bar.newest_bar_at
        and (lagged.stance <> 0 or lagged.is_eligible)
),

all_moves as (
    select * replace (fixed(earned) as earned, fixed(covered_earned) as covered_earned, fixed(in_earned) as in_earned)
    from moves
    union all by name
    from exits
)

select
    vendor,
    timeframe,
    sector,
    bar_start,
    coalesce(sum(n_long), 0)::bigint as n_long,
    coalesce(sum(n_short), 0)::bigint as n_short,
    coalesce(sum(n_changes), 0)::bigint as n_changes,
    coalesce(sum(earned), 0) as earned,
    coalesce(sum(n_covered), 0)::bigint as n_covered,
    coalesce(sum(n_covered_changes), 0)::bigint as n_covered_changes,
    coalesce(sum(covered_earned), 0) as covered_earned,
    coalesce(sum(n_in), 0)::bigint as n_in,
    coalesce(sum(n_in_changes), 0)::bigint as n_in_changes,
    coalesce(sum(n_joined), 0)::bigint as n_joined,
    coalesce(sum(in_earned), 0) as in_earned
from all_moves
where bar_start >= bar_from
group by all
