-- What one segment spans so far, with its first open and last close.
-- Grain: timeframe, token_id, segment
-- Replaces: from plan.spine_scope as scope where old.timeframe = scope.timeframe and old.token_id = scope.token_id and (scope.anchor_at is null or old.segment >= scope.anchor_segment)
select
    bar.timeframe,
    bar.token_id,
    bar.segment,
    min(bar.segment_start) as started_at,
    max(bar.bar_start) as last_bar_at,
    max(bar.n_filled) as n_filled,
    {% if is_full -%}
    arg_min(bar.open, bar.bar_start) as first_open,
    {%- else -%}
    -- Only the bars from the anchor on are read of a segment that goes on, so its first open comes from the build
    -- before.
    case
        when min(bar.segment_start) < any_value(scope.anchor_at) then any_value(old.first_open)
        else arg_min(bar.open, bar.bar_start)
    end as first_open,
    {%- endif %}
    arg_max(bar.close, bar.bar_start) as last_close
from work.spine_bar as bar
inner join plan.spine_scope as scope using (timeframe, token_id)
{%- if not is_full %}
left join work.segment_span as old using (timeframe, token_id, segment)
{%- endif %}
where
    (scope.anchor_at is null or bar.bar_start >= scope.anchor_at)
    and bar.bar_start >= getvariable('spine_from')
group by bar.timeframe, bar.token_id, bar.segment
