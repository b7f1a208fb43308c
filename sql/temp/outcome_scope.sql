-- One entry moment whose base rates and outcomes are computed anew. Outcomes depend only on their own entry moment, so
-- all of a moment are replaced together and no others.
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

-- Spans that a vendor covers now and did not cover before; the ends of a coverage only move outward. One without an end
-- is read up to the newest bar, because no later moment has a window.
covered as (
    select distinct
        coverage.timeframe,
        unnest(
            case
                when old.vendor is null
                    then [(
                        coverage.covered_from,
                        if(isfinite(coverage.covered_to), coverage.covered_to, newest_bar.newest_bar_at)
                    )]
                when not isfinite(coverage.covered_to)
                    then [(coverage.covered_from, old.covered_from - interval 1 microsecond)]
                else [
                    (coverage.covered_from, old.covered_from - interval 1 microsecond),
                    (old.covered_to + interval 1 microsecond, coverage.covered_to)
                ]
            end
        ) as span
    from work.coverage as coverage
    left join temp.coverage_before as old using (vendor, timeframe, token_id)
    left join work.newest_bar as newest_bar on coverage.timeframe = newest_bar.timeframe
    where coverage.covered_from is distinct from old.covered_from or coverage.covered_to is distinct from old.covered_to
),

-- All windows since a new vendor's first signal row belong to its base, also those after its coverage ended.
new_vendor as (
    select
        coverage.timeframe,
        min(coverage.covered_from) as first_covered_at,
        any_value(newest_bar.newest_bar_at) as newest_bar_at
    from work.coverage as coverage
    anti join temp.coverage_before as old using (vendor, timeframe)
    inner join work.newest_bar as newest_bar using (timeframe)
    group by all
),

-- The moment from which a call may be waiting for its next bar, now or in the build before.
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
    unnest(generate_series(bar_ceiling(timeframe, first_covered_at), newest_bar_at, bar_length(timeframe))) as entry_at
from new_vendor
union
select
    entry.timeframe,
    entry.entry_at
from work.call_entry as entry
inner join waiting using (timeframe)
where entry.entry_at >= waiting.entry_from
union
-- Calls on tokens that have a price source only now, or another one: it is named on these calls.
select
    entry.timeframe,
    entry.entry_at
from work.call_entry as entry
inner join temp.changed_price_stretch as stretch using (timeframe, token_id)
where entry.entry_at >= stretch.used_from
{%- endif %}
