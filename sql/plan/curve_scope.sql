-- One timeframe with the bar from which its curves are computed anew (`bar_from`): the earliest bar that new or revised
-- bars, new signals, segments that go on, or a moved end of a coverage may change.
-- Grain: timeframe
-- Variable: curve_from = min(bar_from)
{% if is_full -%}
{% for timeframe in timeframes -%}
select
    '{{ timeframe }}' as timeframe,
    '-infinity'::timestamp as bar_from
{{ 'union all' if not loop.last }}
{% endfor -%}
{%- else -%}
select
    timeframe,
    min(bar_from) as bar_from
from (
    select
        timeframe,
        coalesce(scope.anchor_at + bar_length(timeframe), touched_bar.touched_from) as bar_from
    from plan.spine_scope as scope
    inner join temp.touched_bar as touched_bar using (timeframe, token_id)
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
    -- Where the end of a coverage has moved, the curves change from a bar before it on, because stances end a bar
    -- earlier.
    select
        old.timeframe,
        old.covered_to - bar_length(old.timeframe) as bar_from
    from temp.coverage_before as old
    inner join work.coverage as coverage using (vendor, timeframe, token_id)
    where coverage.covered_to <> old.covered_to
)
group by all
{%- endif %}
