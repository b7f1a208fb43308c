-- The state of every day (hour) of which something was to be expected by a moment. Reads only what is published, so that it
-- can be asked of the published file at any later moment; columns.toml says what the states mean.
with feed as (
    select
        dataset,
        vendor,
        timeframe,
        bar_floor(timeframe, min(as_of)) - bar_length(timeframe) as expected_from,
        arg_max(has_history, as_of) as has_history,
        arg_max(is_archive, as_of) as is_archive,
        max(read_to) as newest_at
    from ops.reread
    where as_of <= getvariable('day_as_of')
    group by dataset, vendor, timeframe
),

-- Nothing is expected of an archive after the newest that it holds of any dataset.
expected as (
    select
        dataset,
        vendor,
        timeframe,
        has_history,
        unnest(generate_series(
            expected_from,
            least(
                bar_floor(timeframe, getvariable('day_as_of')) - bar_length(timeframe),
                case
                    when is_archive
                        then max(newest_at) over (partition by timeframe, is_archive)
                    else 'infinity'::timestamp
                end
            ),
            bar_length(timeframe)
        )) as bar_start
    from feed
),

told as (
    select
        'prices' as dataset,
        null as vendor,
        timeframe,
        bar_start,
        token_id,
        snapshot_id
    from core.price_bar
    where revision = 0
    union all
    select
        'signals' as dataset,
        vendor,
        timeframe,
        signal_at as bar_start,
        token_id,
        snapshot_id
    from core.signal
    where revision = 0
    union all
    select
        'levels' as dataset,
        vendor,
        timeframe,
        level_at as bar_start,
        token_id,
        snapshot_id
    from core.level
    where revision = 0
    union all
    select
        'grades' as dataset,
        vendor,
        '1d' as timeframe,
        graded_at as bar_start,
        token_id,
        snapshot_id
    from core.grade
    where revision = 0
    union all
    select
        'quantmetrics' as dataset,
        vendor,
        '1d' as timeframe,
        measured_at as bar_start,
        token_id,
        snapshot_id
    from core.quantmetric
    where revision = 0
),

-- Each token once a bar, with the bars before the first expected one that say what is usual.
spoken as (
    select
        told.dataset,
        told.vendor,
        told.timeframe,
        told.bar_start,
        told.token_id,
        count(*) as n_rows,
        min(snapshot.as_of) as known_at,
        arg_min(snapshot.run_id, snapshot.as_of) as run_id
    from told
    inner join feed
        on
            told.dataset = feed.dataset
            and told.vendor is not distinct from feed.vendor
            and told.timeframe = feed.timeframe
    inner join ops.snapshot as snapshot on told.snapshot_id = snapshot.snapshot_id
    where told.bar_start >= feed.expected_from - 30 * bar_length(told.timeframe) and snapshot.as_of <= getvariable('day_as_of')
        and snapshot.superseded_by is null
    group by all
),

ranked as (
    select
        *,
        dense_rank() over (partition by dataset, vendor, timeframe order by bar_start) as nth_bar,
        nth_bar - row_number() over (partition by dataset, vendor, timeframe, token_id order by bar_start) as island
    from spoken
),

-- On how many bars in a row, of those on which anybody spoke, a token had spoken by then.
running as (
    select
        *,
        row_number() over (
            partition by dataset, vendor, timeframe, token_id, island order by bar_start
        ) as n_in_a_row
    from ranked
),

bars as (
    select
        dataset,
        vendor,
        timeframe,
        bar_start,
        sum(n_rows)::bigint as n_rows,
        count(*) as n_tokens,
        count(*) filter (where known_at < bar_start + 2 * bar_length(timeframe)) as n_in_time,
        -- Of a feed that is younger than seven bars: on all of them.
        count(*) filter (where n_in_a_row >= least(7, nth_bar)) as n_usual,
        count(*) filter (where n_in_a_row >= least(8, nth_bar)) as n_kept,
        any_value(nth_bar) as nth_bar,
        min(known_at) as first_known_at,
        arg_min(run_id, known_at) as run_id
    from running
    group by all
),

-- A vendor of whose tokens less than half speak on every bar, or that speaks on less than half of the bars (as one does that
-- writes once a week), speaks when it has something to say; so does one of whom there are not three bars yet. Markets
-- never close.
usual as (
    select
        dataset,
        vendor,
        timeframe,
        bar_start as before_at,
        dataset = 'prices' or (
            nth_bar >= 3
            and bar_start - first(bar_start) over newest_bars < 2 * least(7, nth_bar) * bar_length(timeframe)
        ) as is_regular,
        case when is_regular and 2 * n_usual >= n_tokens then n_usual else 0 end as n_expected
    from bars
    window newest_bars as (partition by dataset, vendor, timeframe order by bar_start rows 6 preceding)
),

-- Who asks for some days of the past has looked at no other.
looked as (
    select
        reread.dataset,
        reread.vendor,
        reread.timeframe,
        reread.as_of as looked_at,
        reread.read_from,
        case when snapshot.extent = 'days' then reread.read_to else 'infinity'::timestamp end as read_to
    from ops.reread as reread
    inner join ops.snapshot as snapshot using (snapshot_id)
    where reread.as_of <= getvariable('day_as_of') and reread.read_token_ids is null
),

judged as (
    select
        expected.dataset,
        expected.vendor,
        expected.timeframe,
        expected.bar_start,
        expected.has_history,
        coalesce(bars.n_rows, 0) as n_rows,
        coalesce(bars.n_tokens, 0) as n_tokens,
        coalesce(usual.n_expected, 0) as n_expected,
        coalesce(bars.n_kept, 0) as n_kept,
        coalesce(bars.n_in_time, 0) as n_in_time,
        bars.first_known_at,
        bars.run_id,
        (
            select min(looked.looked_at)
            from looked
            where
                looked.dataset = expected.dataset
                and looked.vendor is not distinct from expected.vendor
                and looked.timeframe = expected.timeframe
                and looked.looked_at >= expected.bar_start + bar_length(expected.timeframe)
                and expected.bar_start between looked.read_from and looked.read_to
        ) as looked_at
    from expected
    left join bars
        on
            expected.dataset = bars.dataset
            and expected.vendor is not distinct from bars.vendor
            and expected.timeframe = bars.timeframe
            and expected.bar_start = bars.bar_start
    asof left join usual
        on
            expected.dataset = usual.dataset
            and coalesce(expected.vendor, '') = coalesce(usual.vendor, '')
            and expected.timeframe = usual.timeframe
            and expected.bar_start > usual.before_at
),

there as (
    select
        *,
        case
            when n_tokens > 0 and n_kept < 0.9 * n_expected then 'partial'
            when n_tokens > 0 and n_in_time >= 0.9 * n_tokens then 'complete'
            when n_tokens > 0 then 'backfilled'
            when n_expected = 0 and looked_at < bar_start + 2 * bar_length(timeframe) then 'complete'
            when n_expected = 0 and looked_at is not null and has_history then 'backfilled'
        end as found
    from judged
),

due as (
    select
        *,
        getvariable('day_as_of') >= bar_start + 2 * bar_length(timeframe) as is_too_late,
        row_number() over (
            partition by dataset, vendor, timeframe, found is null order by bar_start desc
        ) as nth_newest
    from there
    where
        found is not null
        or getvariable('day_as_of') >= bar_start + bar_length(timeframe)
        + case timeframe when '1h' then getvariable('late_after_1h') else getvariable('late_after_1d') end * interval 1 hour
)

select
    dataset,
    vendor,
    timeframe,
    bar_start,
    coalesce(
        found,
        case
            when not is_too_late then 'late'
            when not has_history then 'unrecoverable'
            when bar_start < getvariable('day_as_of') - getvariable('max_age_days') * interval 1 day then 'missing'
            when getvariable('catch_up') = 'all' or (getvariable('catch_up') = 'latest' and nth_newest = 1) then 'late'
            else 'missing'
        end
    ) as state,
    n_rows,
    n_tokens,
    n_expected,
    first_known_at,
    run_id
from due
order by all
