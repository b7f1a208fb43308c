-- One token whose spine is made anew, from its anchor on: the last real bar before the first touched one, usually the
-- last bar of its last segment. The variable repeats the earliest anchor as a constant, by which DuckDB skips the rows
-- before it, which are nearly all.
-- Grain: timeframe, token_id
-- Variable: spine_from = min(coalesce(anchor_at, '-infinity'::timestamp))
{% if is_full -%}
select distinct
    timeframe,
    token_id,
    null::timestamp as anchor_at,
    null::integer as anchor_segment,
    null::timestamp as anchor_segment_start,
    null::integer as anchor_n_filled
from core.price_bar
{%- else -%}
with ends as (
    select *
    from {{ before('work.segment_span') }}
    qualify segment = max(segment) over (partition by timeframe, token_id)
),

inside as (
    select
        bar.timeframe,
        bar.token_id,
        max(bar.bar_start) as anchor_at
    from {{ before('work.spine_bar') }} as bar
    inner join temp.touched_bar as touched_bar using (timeframe, token_id)
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
from temp.touched_bar as touched_bar
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
from temp.touched_bar as touched_bar
inner join ends using (timeframe, token_id)
left join inside using (timeframe, token_id)
left join {{ before('work.spine_bar') }} as bar
    on
        inside.timeframe = bar.timeframe
        and inside.token_id = bar.token_id
        and inside.anchor_at = bar.bar_start
where touched_bar.touched_from <= ends.last_bar_at
{%- endif %}
