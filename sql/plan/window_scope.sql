-- One token whose windows are computed anew, from an entry on (`entry_from`). Where bars were only appended to a
-- segment that goes on (`appended_to` is its last bar before), only windows on the new bars and windows that have
-- closed since change: temp.window_span lists these.
-- Grain: timeframe, token_id
{%- for timeframe in timeframes %}
-- Variable: window_from_{{ timeframe }} = min(entry_from) filter (timeframe = '{{ timeframe }}')
{%- endfor %}
{% if is_full -%}
select
    timeframe,
    token_id,
    '-infinity'::timestamp as entry_from,
    null::timestamp as appended_to,
    null::integer as segment
from plan.spine_scope
{%- else -%}
with reached as (
    select
        scope.timeframe,
        scope.token_id,
        -- Entry of the first window that contains a bar after the anchor.
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
    inner join temp.touched_bar as touched_bar using (timeframe, token_id)
    left join {{ before('work.last_segment') }} as last_segment using (timeframe, token_id)
),

still_open as (
    {%- for timeframe in timeframes %}
    select
        '{{ timeframe }}' as timeframe,
        token_id,
        min(entry_at) as entry_from
    from {{ before(timeframes[timeframe].windows) }}
    where entry_at >= getvariable('open_from_{{ timeframe }}') and not has_closed
    group by all
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    timeframe,
    token_id,
    least(reached.entry_from, still_open.entry_from) as entry_from,
    reached.appended_to,
    reached.segment
from reached
full join still_open using (timeframe, token_id)
{%- endif %}
