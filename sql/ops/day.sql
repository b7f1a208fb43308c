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
    where as_of <= getvariable('day_as_of') and is_in_use(timeframe)
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
    from ops.feed_bar
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

-- Who looked first after a bar had closed has most often looked at that bar.
next_look as (
    select
        expected.dataset,
        expected.vendor,
        expected.timeframe,
        expected.bar_start,
        case when expected.bar_start between looked.read_from and looked.read_to then looked.looked_at end as looked_at
    from expected
    asof left join looked
        on
            expected.dataset = looked.dataset
            and coalesce(expected.vendor, '') = coalesce(looked.vendor, '')
            and expected.timeframe = looked.timeframe
            and expected.bar_start + bar_length(expected.timeframe) <= looked.looked_at
),

first_look as (
    select
        next_look.dataset,
        next_look.vendor,
        next_look.timeframe,
        next_look.bar_start,
        min(looked.looked_at) as looked_at
    from next_look
    inner join looked
        on
            next_look.dataset = looked.dataset
            and next_look.vendor is not distinct from looked.vendor
            and next_look.timeframe = looked.timeframe
            and next_look.bar_start + bar_length(next_look.timeframe) <= looked.looked_at
            and next_look.bar_start between looked.read_from and looked.read_to
    where next_look.looked_at is null
    group by all
    union all
    from next_look
    where looked_at is not null
),

judged as (
    select
        expected.dataset,
        expected.vendor,
        expected.timeframe,
        expected.bar_start,
        expected.has_history,
        coalesce(bar.n_rows, 0) as n_rows,
        coalesce(bar.n_tokens, 0) as n_tokens,
        coalesce(usual.n_expected, 0) as n_expected,
        coalesce(bar.n_kept, 0) as n_kept,
        coalesce(bar.n_in_time, 0) as n_in_time,
        bar.first_known_at,
        snapshot.run_id,
        first_look.looked_at
    from expected
    left join ops.feed_bar as bar
        on
            expected.dataset = bar.dataset
            and expected.vendor is not distinct from bar.vendor
            and expected.timeframe = bar.timeframe
            and expected.bar_start = bar.bar_start
    left join ops.snapshot as snapshot on bar.snapshot_id = snapshot.snapshot_id
    left join first_look
        on
            expected.dataset = first_look.dataset
            and expected.vendor is not distinct from first_look.vendor
            and expected.timeframe = first_look.timeframe
            and expected.bar_start = first_look.bar_start
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
        + getvariable('late_after_hours')[timeframe] * interval 1 hour
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
