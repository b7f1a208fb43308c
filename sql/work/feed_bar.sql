-- What each feed (a dataset of a vendor, or prices, at one timeframe) told of each bar on which it told anything, and of
-- how many tokens that was usual: what the state of a day is judged by. From a month before somebody first looked.
-- Grain: dataset, vendor, timeframe, bar_start
-- Replaces: from plan.feed_scope as scope where old.dataset = scope.dataset and old.vendor is not distinct from scope.vendor and old.timeframe = scope.timeframe and old.bar_start >= scope.bar_from
with told as (
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

-- Each token once a bar, with the bars before the first one that is counted anew: they say what was usual.
spoken as (
    select
        told.dataset,
        told.vendor,
        told.timeframe,
        told.bar_start,
        told.token_id,
        scope.bar_from,
        scope.n_bars_before,
        count(*) as n_rows,
        min(snapshot.as_of) as known_at,
        arg_min(snapshot_id, (snapshot.as_of, snapshot_id)) as snapshot_id
    from told
    inner join plan.feed_scope as scope
        on
            told.dataset = scope.dataset
            and told.vendor is not distinct from scope.vendor
            and told.timeframe = scope.timeframe
            and told.bar_start >= scope.told_from
    inner join staging.usable_snapshot as snapshot using (snapshot_id)
    group by all
),

ranked as (
    select
        *,
        n_bars_before + dense_rank() over (partition by dataset, vendor, timeframe order by bar_start) as nth_bar,
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
    -- Of a feed that is younger than seven bars: on all of them.
    count(*) filter (where n_in_a_row >= least(7, nth_bar)) as n_usual,
    count(*) filter (where n_in_a_row >= least(8, nth_bar)) as n_kept,
    min(known_at) as first_known_at,
    arg_min(snapshot_id, (known_at, snapshot_id)) as snapshot_id
from running
where bar_start >= bar_from
group by dataset, vendor, timeframe, bar_start
