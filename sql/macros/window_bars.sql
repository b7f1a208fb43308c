{#-
The bars from which the windows of some tokens are computed, in order: the bars of the spine in the scope, then, for a
segment that has ended, flat bars at its last close (pads). With pads, a window that is cut short by the end of its
segment is computed like any other. `is_asked` marks the entry bars of windows that may have changed; the other bars are
only inside such windows.
-#}
{% macro window_bars(timeframe) -%}
with segments as (
    select
        segment.timeframe,
        segment.token_id,
        segment.segment,
        segment.ended_at,
        segment.has_ended,
        scope.entry_from,
        newest_bar.newest_bar_end,
        current_token.is_scored
    from core.segment as segment
    inner join plan.window_scope as scope using (timeframe, token_id)
    inner join work.newest_bar as newest_bar using (timeframe)
    inner join work.current_token as current_token using (token_id)
    where
        segment.timeframe = '{{ timeframe }}'
        and segment.token_id between {{ token_from }} and {{ token_to }}
        and segment.ended_at > scope.entry_from
),

bars as (
    select
        bar.timeframe,
        bar.token_id,
        bar.segment,
        bar.bar_start,
        bar.open,
        bar.high,
        bar.low,
        bar.close,
        bar.n_filled,
        false as is_pad,
        not segments.is_scored
        or bar.is_filled
        or (bar.segment = 1 and bar.bar_start < bar.segment_start + interval 7 days) as is_left_out,
        segments.ended_at as segment_end,
        segments.has_ended,
        segments.newest_bar_end
    from work.spine_bar as bar
    inner join segments using (timeframe, token_id, segment)
    where
        bar.timeframe = '{{ timeframe }}'
        and bar.token_id between {{ token_from }} and {{ token_to }}
        and bar.bar_start >= segments.entry_from
        {%- if not is_full %}
        and bar.bar_start >= getvariable('window_from_{{ timeframe }}')
        {%- endif %}
),

last_bars as (
    select
        segments.*,
        segment_span.last_bar_at,
        segment_span.last_close,
        segment_span.n_filled
    from segments
    inner join work.segment_span as segment_span using (timeframe, token_id, segment)
    where segments.has_ended
),

pads as (
    select
        timeframe,
        token_id,
        segment,
        last_bar_at + step.n * bar_length(timeframe) as bar_start,
        last_close as open,
        last_close as high,
        last_close as low,
        last_close as close,
        n_filled,
        true as is_pad,
        true as is_left_out,
        ended_at as segment_end,
        has_ended,
        newest_bar_end
    from last_bars
    cross join generate_series(1, {{ (horizons[timeframe] | max) - 1 }}) as step (n)
),

{%- if not is_full %}
asked as (
    select distinct
        bars.token_id,
        bars.bar_start,
        true as is_asked
    from bars
    inner join temp.window_span as span
        on
            span.timeframe = '{{ timeframe }}'
            and bars.token_id = span.token_id
            and bars.bar_start between span.entry_from and span.entry_to
),

{% endif -%}
bars_and_pads as (
    from bars
    union all
    from pads
)

select
    token_id,
    bar_start as entry_at,
    open,
    high,
    low,
    close,
    n_filled,
    bars_between(timeframe, bar_start, segment_end)::integer as bars_left,
    bars_between(timeframe, bar_start, newest_bar_end)::integer as bars_passed,
    has_ended,
    is_left_out,
    is_pad,
    {{ 'true' if is_full else 'coalesce(is_asked, false)' }} as is_asked,
    -- At most the end of the longest window, so that a closed window stays as it is when later bars make its segment
    -- longer.
    case
        when has_ended then least(segment_end, bar_start + {{ horizons[timeframe] | max }} * bar_length(timeframe))
        else bar_start + {{ horizons[timeframe] | max }} * bar_length(timeframe)
    end as segment_end
from bars_and_pads
{%- if not is_full %}
left join asked using (token_id, bar_start)
{%- endif %}
order by token_id, segment, entry_at
{%- endmacro %}
