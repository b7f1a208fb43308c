-- What a nightly build computes: what new rows touch, and what was still open. Reads the tables of the build before.
create or replace temporary table touched_bar as
select
    timeframe,
    token_id,
    min(bar_start) as touched_from
from raw.prices
where snapshot_id > getvariable('last_snapshot_id') and not is_preliminary
group by all;

-- The anchor: the last real bar before the first touched one. Usually the last bar of the last segment.
create or replace table plan.spine_scope as
with ends as (
    select *
    from work.segment_extent
    qualify segment = max(segment) over (partition by timeframe, token_id)
),

inside as (
    select
        bar.timeframe,
        bar.token_id,
        max(bar.bar_start) as anchor_at
    from work.spine_bar as bar
    inner join touched_bar using (timeframe, token_id)
    inner join ends using (timeframe, token_id)
    where touched_bar.touched_from <= ends.last_bar_at and bar.bar_start < touched_bar.touched_from and not bar.is_filled
    group by all
)

select
    touched_bar.timeframe,
    touched_bar.token_id,
    ends.last_bar_at as anchor_at,
    ends.segment as anchor_segment,
    ends.started_at as anchor_segment_start,
    ends.n_filled as anchor_n_filled
from touched_bar
left join ends using (timeframe, token_id)
where ends.last_bar_at is null or touched_bar.touched_from > ends.last_bar_at
union all
select
    touched_bar.timeframe,
    touched_bar.token_id,
    inside.anchor_at,
    bar.segment as anchor_segment,
    bar.segment_start as anchor_segment_start,
    bar.n_filled as anchor_n_filled
from touched_bar
inner join ends using (timeframe, token_id)
left join inside using (timeframe, token_id)
left join work.spine_bar as bar
    on
        inside.timeframe = bar.timeframe
        and inside.token_id = bar.token_id
        and inside.anchor_at = bar.bar_start
where touched_bar.touched_from <= ends.last_bar_at;

-- The earliest of each scope again as a constant: by it DuckDB skips what lies before, which is nearly everything.
set variable spine_from = (select min(coalesce(anchor_at, '-infinity'::timestamp)) from plan.spine_scope);

-- A window is open only while its segment goes on or the market has not passed its end, which no segment that goes on lies
-- behind: none was entered earlier than the longest horizon before.
{% for timeframe in timeframes -%}
set variable open_from_{{ timeframe }} = (
    select min(ended_at) - {{ horizons[timeframe] | max }} * bar_length('{{ timeframe }}')
    from core.segment
    where timeframe = '{{ timeframe }}' and not has_ended
);
{% endfor -%}

-- A token whose bars only follow the last one of a segment that goes on has no other windows to compute than those that
-- close: they are told by where its bars were appended to (`temp.window_span`).
create or replace table plan.window_scope as
with reached as (
    select
        scope.timeframe,
        scope.token_id,
        -- The first window that holds a bar after the anchor.
        coalesce(
            scope.anchor_at
            - ({{ longest_horizon_of('scope.timeframe') }} - 2)
            * bar_length(scope.timeframe),
            touched_bar.touched_from
        ) as entry_from,
        case when not last_segment.has_ended and touched_bar.touched_from >= last_segment.ended_at then scope.anchor_at end
            as appended_to,
        scope.anchor_segment as segment
    from plan.spine_scope as scope
    inner join touched_bar using (timeframe, token_id)
    left join work.last_segment as last_segment using (timeframe, token_id)
),

still_open as (
    {%- for timeframe in timeframes %}
    select
        '{{ timeframe }}' as timeframe,
        token_id,
        min(entry_at) as entry_from
    from {{ timeframes[timeframe].windows }}
    where entry_at >= getvariable('open_from_{{ timeframe }}') and not has_closed
    group by all
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    timeframe,
    token_id,
    least(reached.entry_from, still_open.entry_from) as entry_from,
    reached.appended_to,
    reached.segment
from reached
full join still_open using (timeframe, token_id);

{% for timeframe in timeframes -%}
set variable window_from_{{ timeframe }} = (
    select min(entry_from) filter (timeframe = '{{ timeframe }}') from plan.window_scope
);
{% endfor -%}

-- Calls are found anew from the first touched row on; the row before it says which side was held: of most, the newest of
-- the build before (work.coverage knows tonight's rows already).
create or replace table plan.call_scope as
with touched as (
    select
        vendor,
        timeframe,
        token_id,
        min(signal_at) as signal_from
    from raw.signals
    where snapshot_id > getvariable('last_snapshot_id') and not is_preliminary
    group by all
),

inside as (
    select
        signal.vendor,
        signal.timeframe,
        signal.token_id,
        max(signal.signal_at) as anchor_at
    from core.signal as signal
    inner join touched using (vendor, timeframe, token_id)
    inner join temp.coverage_before as old using (vendor, timeframe, token_id)
    where
        touched.signal_from <= old.newest_signal_at
        and signal.signal_at < touched.signal_from
        and not signal.is_preliminary
    group by all
)

select
    touched.vendor,
    touched.timeframe,
    touched.token_id,
    touched.signal_from,
    case
        when touched.signal_from > old.newest_signal_at then old.newest_signal_at else inside.anchor_at
    end as anchor_at
from touched
left join temp.coverage_before as old using (vendor, timeframe, token_id)
left join inside using (vendor, timeframe, token_id);

set variable call_from = (select min(coalesce(anchor_at, '-infinity'::timestamp)) from plan.call_scope);

-- Where segments went on: from there on a call may wait for its next bar, and a stance may end with its segment.
create or replace table plan.live_from as
select
    timeframe,
    min(ended_at) as live_from
from core.segment
where not has_ended
group by all;

-- Curves go by bar: from the first one that is new or revised, the first touched signal, and whatever else a new bar or
-- row changes.
create or replace table plan.curve_scope as
select
    timeframe,
    min(bar_from) as bar_from
from (
    select
        timeframe,
        coalesce(scope.anchor_at + bar_length(timeframe), touched_bar.touched_from) as bar_from
    from plan.spine_scope as scope
    inner join touched_bar using (timeframe, token_id)
    union all
    select
        timeframe,
        live_from as bar_from
    from plan.live_from
    union all
    select
        timeframe,
        signal_from as bar_from
    from plan.call_scope
    union all
    -- Where the coverage of a vendor ended, and a bar before, where its stances did.
    select
        coverage_before.timeframe,
        coverage_before.covered_to - bar_length(coverage_before.timeframe) as bar_from
    from coverage_before
    inner join work.coverage as coverage using (vendor, timeframe, token_id)
    where coverage.covered_to <> coverage_before.covered_to
)
group by all;

set variable curve_from = (select min(bar_from) from plan.curve_scope);

-- Tokens whose base rates may change in a past that was judged before: bars that do not only follow the last one, a
-- coverage that begins earlier, or one that now reaches further while calls had been entered beyond it.
create or replace table plan.reworked_token as
with ends as (
    select
        timeframe,
        token_id,
        max(last_bar_at) as last_bar_at
    from work.segment_extent
    group by all
),

rewritten as (
    select
        timeframe,
        token_id
    from touched_bar
    left join ends using (timeframe, token_id)
    where ends.last_bar_at is null or touched_bar.touched_from <= ends.last_bar_at
),

judged as (
    select
        vendor,
        timeframe,
        token_id,
        max(last_entry_at) as last_entry_at
    from work.outcome_sum
    group by all
)

select
    coverage.vendor,
    coverage.timeframe,
    coverage.token_id
from work.coverage as coverage
semi join rewritten using (timeframe, token_id)
union
select
    coverage.vendor,
    coverage.timeframe,
    coverage.token_id
from work.coverage as coverage
left join coverage_before using (vendor, timeframe, token_id)
left join judged using (vendor, timeframe, token_id)
where
    coverage.covered_from is distinct from coverage_before.covered_from
    or coalesce(judged.last_entry_at > coverage_before.covered_to, false);

-- Bars of feeds are counted anew from the first that a new row is of; eight bars before it say what was usual. All of them
-- where somebody looked earlier than was known.
create or replace table plan.feed_scope as
with touched as (
    {%- for dataset in (datasets.prices, datasets.signals, datasets.levels, datasets.grades, datasets.quantmetrics) %}
    select
        '{{ dataset.name }}' as dataset,
        {{ 'vendor' if dataset.has_vendor else 'null::varchar as vendor' }},
        {{ 'timeframe' if dataset.has_timeframe else "'1d' as timeframe" }},
        min({{ dataset.moment }}) as bar_from
    from raw.{{ dataset.name }}
    where snapshot_id > getvariable('last_snapshot_id') and not is_preliminary
    group by all
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

scoped as (
    select
        feed.dataset,
        feed.vendor,
        feed.timeframe,
        feed.told_from as first_told_from,
        case when old.expected_from = feed.expected_from then touched.bar_from else '-infinity'::timestamp end as bar_from
    from staging.feed as feed
    left join touched
        on
            feed.dataset = touched.dataset
            and feed.vendor is not distinct from touched.vendor
            and feed.timeframe = touched.timeframe
    left join temp.feed_before as old
        on
            feed.dataset = old.dataset
            and feed.vendor is not distinct from old.vendor
            and feed.timeframe = old.timeframe
),

earlier as (
    select
        bar.dataset,
        bar.vendor,
        bar.timeframe,
        bar.bar_start,
        bar.nth_bar
    from work.feed_bar as bar
    inner join scoped
        on
            bar.dataset = scoped.dataset
            and bar.vendor is not distinct from scoped.vendor
            and bar.timeframe = scoped.timeframe
            and bar.bar_start < scoped.bar_from
    qualify row_number() over (partition by bar.dataset, bar.vendor, bar.timeframe order by bar.bar_start desc) <= 8
)

select
    scoped.dataset,
    scoped.vendor,
    scoped.timeframe,
    scoped.bar_from,
    coalesce(min(earlier.bar_start), scoped.first_told_from) as told_from,
    coalesce(min(earlier.nth_bar), 1) - 1 as n_bars_before
from scoped
left join earlier
    on
        scoped.dataset = earlier.dataset
        and scoped.vendor is not distinct from earlier.vendor
        and scoped.timeframe = earlier.timeframe
where scoped.bar_from is not null
group by scoped.dataset, scoped.vendor, scoped.timeframe, scoped.bar_from, scoped.first_told_from;

set variable feed_from = (select min(told_from) from plan.feed_scope);
