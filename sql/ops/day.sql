-- The state of every bar (day, hour) of a feed on which rows were to be expected by the moment `day_as_of`. Only
-- published tables are read, so that the same select also runs on the published file at any later moment; columns.toml
-- explains the states.
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

-- An archive has an end: nothing is expected after the newest moment of any of its datasets.
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

-- How many tokens are to be expected on the bar after each bar. No token is expected of a vendor that writes
-- irregularly: one with rows on fewer than half of the last bars (weekly rows, for example), one of whose tokens fewer than
-- half have rows on every bar, or one with fewer than three bars so far. Prices are always regular, because markets
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

-- A run for some days of the past has read no others. Any other delivery would contain newer rows, if there were any.
rereads as (
    select
        reread.dataset,
        reread.vendor,
        reread.timeframe,
        reread.as_of as read_at,
        reread.read_from,
        case when snapshot.extent = 'days' then reread.read_to else 'infinity'::timestamp end as read_to
    from ops.reread as reread
    inner join ops.snapshot as snapshot using (snapshot_id)
    where reread.as_of <= getvariable('day_as_of') and reread.read_token_ids is null
),

-- The first delivery after each bar had closed, where it covered the bar, as it nearly always does.
next_reread as (
    select
        expected.dataset,
        expected.vendor,
        expected.timeframe,
        expected.bar_start,
        case when expected.bar_start between rereads.read_from and rereads.read_to then rereads.read_at end as read_at
    from expected
    asof left join rereads
        on
            expected.dataset = rereads.dataset
            and coalesce(expected.vendor, '') = coalesce(rereads.vendor, '')
            and expected.timeframe = rereads.timeframe
            and expected.bar_start + bar_length(expected.timeframe) <= rereads.read_at
),

first_reread as (
    select
        next_reread.dataset,
        next_reread.vendor,
        next_reread.timeframe,
        next_reread.bar_start,
        min(rereads.read_at) as read_at
    from next_reread
    inner join rereads
        on
            next_reread.dataset = rereads.dataset
            and next_reread.vendor is not distinct from rereads.vendor
            and next_reread.timeframe = rereads.timeframe
            and next_reread.bar_start + bar_length(next_reread.timeframe) <= rereads.read_at
            and next_reread.bar_start between rereads.read_from and rereads.read_to
    where next_reread.read_at is null
    group by all
    union all
    from next_reread
    where read_at is not null
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
        first_reread.read_at
    from expected
    left join ops.feed_bar as bar
        on
            expected.dataset = bar.dataset
            and expected.vendor is not distinct from bar.vendor
            and expected.timeframe = bar.timeframe
            and expected.bar_start = bar.bar_start
    left join ops.snapshot as snapshot on bar.snapshot_id = snapshot.snapshot_id
    left join first_reread
        on
            expected.dataset = first_reread.dataset
            and expected.vendor is not distinct from first_reread.vendor
            and expected.timeframe = first_reread.timeframe
            and expected.bar_start = first_reread.bar_start
    asof left join usual
        on
            expected.dataset = usual.dataset
            and coalesce(expected.vendor, '') = coalesce(usual.vendor, '')
            and expected.timeframe = usual.timeframe
            and expected.bar_start > usual.before_at
),

found_bars as (
    select
        *,
        case
            when n_tokens > 0 and n_kept < 0.9 * n_expected then 'partial'
            when n_tokens > 0 and n_in_time >= 0.9 * n_tokens then 'complete'
            when n_tokens > 0 then 'backfilled'
            when n_expected = 0 and read_at < bar_start + 2 * bar_length(timeframe) then 'complete'
            when n_expected = 0 and read_at is not null and has_history then 'backfilled'
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
    from found_bars
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
