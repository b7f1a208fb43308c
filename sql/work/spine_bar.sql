-- One bar of a token's spine: a real bar in use, or a flat one that fills a hole inside a segment. A bar without trade
-- is such a hole. A segment ends at a gap of more than 3 days (at long bars, of 2 bars), at an open more than 5 times,
-- or less than a fifth of, the close before, and where another price source takes over.
-- Grain: timeframe, token_id, bar_start
-- Replaces: from plan.spine_scope as scope where old.bar_start >= getvariable('spine_from') and old.timeframe = scope.timeframe and old.token_id = scope.token_id and (scope.anchor_at is null or old.bar_start >= scope.anchor_at)
with untraded as (
    from work.flat_bar
    where not is_traded
),

bars as (
    select
        bar.timeframe,
        bar.token_id,
        bar.bar_start,
        bar.open,
        -- Vendors round, so that a high may lie a hair below the close that it is.
        greatest(bar.open, bar.high, bar.low, bar.close) as high,
        least(bar.open, bar.high, bar.low, bar.close) as low,
        bar.close,
        stretch.used_from,
        scope.anchor_at is not null and bar.bar_start = scope.anchor_at as is_anchor,
        scope.anchor_at,
        scope.anchor_segment,
        scope.anchor_segment_start,
        scope.anchor_n_filled
    from core.price_bar as bar
    inner join plan.spine_scope as scope using (timeframe, token_id)
    inner join work.price_stretch as stretch
        on
            bar.timeframe = stretch.timeframe
            and bar.token_id = stretch.token_id
            and coalesce(bar.price_source, '') = stretch.price_source
            and bar.bar_start >= stretch.used_from
            and bar.bar_start < stretch.used_to
    anti join untraded
        on
            bar.timeframe = untraded.timeframe
            and bar.token_id = untraded.token_id
            and coalesce(bar.price_source, '') = untraded.price_source
            and bar.bar_start = untraded.bar_start
    where
        bar.known_to is null
        and not bar.is_preliminary
        and (scope.anchor_at is null or bar.bar_start >= scope.anchor_at)
        and bar.bar_start >= getvariable('spine_from')
),

neighbours as materialized (
    select
        *,
        row_number() over token as n_bars,
        lag(bar_start) over token as previous_bar_start,
        lag(close) over token as previous_close,
        coalesce(used_from <> lag(used_from) over token, true) as is_taken_over,
        lead(bar_start) over token as next_bar_start,
        lead(open) over token as next_open,
        coalesce(used_from <> lead(used_from) over token, true) as is_left
    from bars
    window token as (partition by timeframe, token_id order by bar_start)
),

-- The bars at which segments start. They are numbered on from the anchor, whose segment the build before has numbered.
starts as (
    select
        timeframe,
        token_id,
        bar_start as segment_start,
        n_bars as first_bar_number,
        (
            coalesce(anchor_segment, 0)
            + row_number() over (partition by timeframe, token_id order by bar_start)
        )::integer as segment
    from neighbours
    where
        not is_anchor
        and (
            is_taken_over
            or is_break(timeframe, previous_bar_start, previous_close, bar_start, open)
        )
    union all
    select
        timeframe,
        token_id,
        anchor_segment_start as segment_start,
        1 + anchor_n_filled - bars_between(timeframe, anchor_segment_start, bar_start) as first_bar_number,
        anchor_segment as segment
    from neighbours
    where is_anchor
),

real_bars as materialized (
    select
        bar.timeframe,
        bar.token_id,
        bar.bar_start,
        bar.open,
        bar.high,
        bar.low,
        bar.close,
        bar.next_bar_start,
        not bar.is_left
        and not is_break(bar.timeframe, bar.bar_start, bar.close, bar.next_bar_start, bar.next_open)
            as has_next_in_segment,
        starts.segment,
        starts.segment_start,
        (
            bars_between(bar.timeframe, starts.segment_start, bar.bar_start) - (bar.n_bars - starts.first_bar_number)
        )::integer as n_filled
    from neighbours as bar
    asof inner join starts
        on
            bar.timeframe = starts.timeframe
            and bar.token_id = starts.token_id
            and bar.bar_start >= starts.segment_start
),

filled_bars as (
    select
        timeframe,
        token_id,
        unnest(generate_series(
            bar_start + bar_length(timeframe), next_bar_start - bar_length(timeframe), bar_length(timeframe)
        )) as bar_start,
        close,
        segment,
        segment_start,
        bar_start as last_real_at,
        n_filled
    from real_bars
    where has_next_in_segment and next_bar_start > bar_start + bar_length(timeframe)
),

every_bar as (
    select
        timeframe,
        token_id,
        bar_start,
        open,
        high,
        low,
        close,
        false as is_filled,
        segment,
        segment_start,
        n_filled
    from real_bars
    union all
    select
        timeframe,
        token_id,
        bar_start,
        close as open,
        close as high,
        close as low,
        close,
        true as is_filled,
        segment,
        segment_start,
        (n_filled + bars_between(timeframe, last_real_at, bar_start))::integer as n_filled
    from filled_bars
)

-- Recent bars are written last, so that they lie together on disk (see plan.recent).
{% for span in ('<', '>=') if is_full -%}
from every_bar
where bar_start {{ span }} case timeframe
    {%- for name in timeframes %} when '{{ name }}' then getvariable('recent_from_{{ name }}'){% endfor %} end
{{ 'union all' if not loop.last }}
{% else -%}
from every_bar
{%- endfor %}
