-- What became of a vendor's delivered signal rows, and of its calls: one number a step (`n_rows`), and a reason where a
-- step has several. Steps with the same `part_of` add up to the step of that name. Calls are accounted at one horizon,
-- the headline (7 at `1d`, 24 at `1h`, else the second), entered at the next open. A row counts once, however often it
-- was delivered: a quarantined one until a row with its key is used.
-- Grain: vendor, timeframe, step, reason
with used as (
    select
        vendor,
        timeframe,
        count(*) filter (where is_preliminary and known_to is null) as n_preliminary,
        count(*) filter (where revision = 0 and direction = 0) as n_neutral,
        count(*) filter (where revision = 0 and direction <> 0) as n_sided
    from core.signal
    group by all
),

outcomes as not materialized (
    select
        vendor,
        token_id,
        timeframe,
        horizon,
        entry_at,
        status
    from marts.signal_outcome
    where
        entry_rule = 'next_open'
        and (
            {%- for timeframe in timeframes %}
            {{ 'or ' if not loop.first }}(horizon = {{ headlines[timeframe] }} and timeframe = '{{ timeframe }}')
            {%- endfor %}
        )
),

counted as (
    select
        vendor,
        timeframe,
        horizon,
        case when is_scored(status) then 'scored' else status end as step,
        count(*) as n_rows
    from outcomes
    where status not in ('excluded', 'unpriced')
    group by all
),

-- Reasons are looked for of these alone, which are few among a night's millions.
lost as (
    from outcomes
    where status in ('excluded', 'unpriced')
),

-- An entry on a filled bar is excluded whatever its horizon is.
filled_entries as (
    select
        bar.token_id,
        bar.timeframe,
        bar.bar_start as entry_at
    from work.spine_bar as bar
    semi join lost
        on bar.token_id = lost.token_id and bar.timeframe = lost.timeframe and bar.bar_start = lost.entry_at
    where bar.is_filled
),

reasoned as (
    select
        lost.vendor,
        lost.timeframe,
        lost.horizon,
        lost.status as step,
        case
            when lost.status = 'excluded' and not token.is_scored then 'token_not_scored'
            when lost.status = 'excluded' and lost.entry_at < first_segment.started_at + interval 7 days then 'seasoning'
            when lost.status = 'excluded' and filled.token_id is not null then 'entry_bar_filled'
            when lost.status = 'excluded' then 'too_many_filled_bars'
            when newest_bar.timeframe is null then 'no_prices_of_timeframe'
            when first_segment.token_id is null then 'no_prices_of_token'
            else 'no_bar_at_entry'
        end as reason,
        count(*) as n_rows
    from lost
    inner join work.current_token as token using (token_id)
    left join filled_entries as filled using (token_id, timeframe, entry_at)
    left join work.newest_bar as newest_bar on lost.timeframe = newest_bar.timeframe
    left join work.segment_span as first_segment
        on
            lost.timeframe = first_segment.timeframe
            and lost.token_id = first_segment.token_id
            and first_segment.segment = 1
    group by all
),

first_sides as (
    select
        vendor,
        timeframe,
        count(*) as n_rows
    from work.first_side
    group by all
),

calls as (
    select
        vendor,
        timeframe,
        count(*) as n_rows
    from core.call
    group by all
),

-- Of the rows that take a side, those that are neither a call nor a first one repeat the side before.
parts as (
    select
        used.vendor,
        used.timeframe,
        unnest(['preliminary', 'neutral', 'first_of_token', 'repeated_side', 'call']) as step,
        unnest([
            used.n_preliminary,
            used.n_neutral,
            coalesce(first_sides.n_rows, 0),
            used.n_sided - coalesce(first_sides.n_rows, 0) - coalesce(calls.n_rows, 0),
            coalesce(calls.n_rows, 0)
        ]) as n_rows
    from used
    left join first_sides using (vendor, timeframe)
    left join calls using (vendor, timeframe)
    union all
    select
        vendor,
        timeframe,
        case rule when 'superseded_in_bar' then 'superseded' else 'quarantined' end as step,
        n_rows
    from work.quarantined_signal
),

delivered as (
    select
        vendor,
        timeframe,
        sum(n_rows)::bigint as n_rows
    from parts
    group by all
),

steps as (
    select
        vendor,
        timeframe,
        'delivered' as step,
        null::varchar as part_of,
        null::varchar as reason,
        null::integer as horizon,
        n_rows
    from delivered
    union all
    select
        vendor,
        timeframe,
        case rule when 'superseded_in_bar' then 'superseded' else 'quarantined' end as step,
        'delivered' as part_of,
        case rule when 'superseded_in_bar' then null else rule end as reason,
        null as horizon,
        n_rows
    from work.quarantined_signal
    union all
    select
        vendor,
        timeframe,
        step,
        'delivered' as part_of,
        null as reason,
        null as horizon,
        n_rows
    from parts
    where step not in ('quarantined', 'superseded')
    union all
    select
        vendor,
        timeframe,
        step,
        'call' as part_of,
        reason,
        horizon,
        n_rows
    from reasoned
    union all
    select
        vendor,
        timeframe,
        step,
        'call' as part_of,
        null as reason,
        horizon,
        n_rows
    from counted
)

select
    steps.vendor,
    steps.timeframe,
    style.style,
    steps.step,
    steps.part_of,
    steps.reason,
    steps.horizon,
    steps.n_rows
from steps
left join work.style as style using (vendor, timeframe)
