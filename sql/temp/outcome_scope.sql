-- The entry moments whose base rates and outcomes are computed anew: what became of an entry depends on nothing that
-- lies at another moment.
-- Grain: timeframe, entry_at
{% if is_full -%}
{% for timeframe in timeframes -%}
select
    '{{ timeframe }}' as timeframe,
    entry_at
from {{ timeframes[timeframe].windows }}
union
{% endfor -%}
select
    timeframe,
    entry_at
from work.call_entry
{%- else -%}
with changed_calls as (
    {{ call_entries('temp.changed_call') | indent }}
),

-- What a vendor covers now and did not before. Both ends only move outward.
covered as (
    select distinct
        coverage.timeframe,
        unnest(
            case
                when old.vendor is null then [(coverage.covered_from, coverage.covered_to)]
                else [
                    (coverage.covered_from, old.covered_from - interval 1 microsecond),
                    (old.covered_to + interval 1 microsecond, coverage.covered_to)
                ]
            end
        ) as span
    from work.coverage as coverage
    left join temp.coverage_before as old using (vendor, timeframe, token_id)
    where coverage.covered_from is distinct from old.covered_from or coverage.covered_to is distinct from old.covered_to
),

-- Whatever was priced since a vendor first spoke belongs to its base, also after it fell silent.
new_vendor as (
    select
        coverage.timeframe,
        min(coverage.covered_from) as spoke_from,
        any_value(newest_bar.newest_bar_at) as newest_bar_at
    from work.coverage as coverage
    anti join temp.coverage_before as old using (vendor, timeframe)
    inner join work.newest_bar as newest_bar using (timeframe)
    group by all
),

-- From where on a call may wait for its next bar, or did so the night before.
waiting as (
    select
        timeframe,
        min(ended_at) as entry_from
    from (
        select
            timeframe,
            ended_at
        from core.segment
        where not has_ended
        union all
        select
            timeframe,
            live_from as ended_at
        from plan.live_from
    )
    group by all
)

{% for timeframe in timeframes -%}
select
    '{{ timeframe }}' as timeframe,
    entry_at
from temp.changed_forward_window_{{ timeframe }}
union
{% endfor -%}
select
    timeframe,
    entry_at
from changed_calls
union
select
    timeframe,
    unnest(generate_series(bar_ceiling(timeframe, span[1]), span[2], bar_length(timeframe))) as entry_at
from covered
union
select
    timeframe,
    unnest(generate_series(bar_ceiling(timeframe, spoke_from), newest_bar_at, bar_length(timeframe))) as entry_at
from new_vendor
union
select
    entry.timeframe,
    entry.entry_at
from work.call_entry as entry
inner join waiting using (timeframe)
where entry.entry_at >= waiting.entry_from
union
-- Calls of tokens whose first bars came: the bars decide the price source of the calls.
select
    entry.timeframe,
    entry.entry_at
from work.call_entry as entry
inner join plan.spine_scope as scope using (timeframe, token_id)
where scope.anchor_at is null
{%- endif %}
