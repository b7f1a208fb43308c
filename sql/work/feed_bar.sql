-- One bar of a feed (a dataset of a vendor, or prices, at one timeframe) with its rows: how many there are, of how many
-- tokens, how many came in time, and how many of the tokens usually have rows. The state of a day is judged by these
-- counts. Bars begin a month before the first delivery of the feed.
-- Grain: dataset, vendor, timeframe, bar_start
-- Replaces: from plan.feed_scope as scope where old.dataset = scope.dataset and old.vendor is not distinct from scope.vendor and old.timeframe = scope.timeframe and old.bar_start >= scope.bar_from
with feed_rows as (
    {%- for dataset in datasets.values() if dataset.is_feed %}
    select
        '{{ dataset.name }}' as dataset,
        {{ dataset.vendor_column }},
        {{ dataset.timeframe_column }},
        {{ dataset.moment }} as bar_start,
        token_id,
        snapshot_id
    from {{ dataset.as_of_table }}
    where revision = 0 and {{ dataset.moment }} >= getvariable('feed_from')
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- One row a token and bar, from the bars on that show which tokens usually have rows.
token_bars as (
    select
        feed_rows.dataset,
        feed_rows.vendor,
        feed_rows.timeframe,
        feed_rows.bar_start,
        feed_rows.token_id,
        scope.bar_from,
        scope.n_bars_before,
        count(*) as n_rows,
        min(snapshot.as_of) as known_at,
        arg_min(snapshot_id, (snapshot.as_of, snapshot_id)) as snapshot_id
    from feed_rows
    inner join plan.feed_scope as scope
        on
            feed_rows.dataset = scope.dataset
            and feed_rows.vendor is not distinct from scope.vendor
            and feed_rows.timeframe = scope.timeframe
            and feed_rows.bar_start >= scope.usual_from
    inner join staging.usable_snapshot as snapshot using (snapshot_id)
    group by all
),

ranked as (
    select
        *,
        n_bars_before + dense_rank() over (partition by dataset, vendor, timeframe order by bar_start) as nth_bar,
        nth_bar - row_number() over (partition by dataset, vendor, timeframe, token_id order by bar_start) as island
    from token_bars
),

-- On how many bars in a row, up to this one, a token had rows; bars on which no token of the feed had any do not count.
running as (
    select
        *,
        row_number() over (
            partition by dataset, vendor, timeframe, token_id, island order by bar_start
        ) as n_in_a_row
    from ranked
)

select
    dataset,
    vendor,
    timeframe,
    bar_start,
    any_value(nth_bar) as nth_bar,
    sum(n_rows)::bigint as n_rows,
    count(*) as n_tokens,
    count(*) filter (where known_at < bar_start + 2 * bar_length(timeframe)) as n_in_time,
    -- In a feed with fewer than seven bars so far: on all of them.
    count(*) filter (where n_in_a_row >= least(7, nth_bar)) as n_usual,
    count(*) filter (where n_in_a_row >= least(8, nth_bar)) as n_kept,
    min(known_at) as first_known_at,
    arg_min(snapshot_id, (known_at, snapshot_id)) as snapshot_id
from running
where bar_start >= bar_from
group by dataset, vendor, timeframe, bar_start
