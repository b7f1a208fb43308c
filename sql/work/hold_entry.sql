-- The bar at which the `hold` curve buys a token that a vendor covers: the token's first covered bar after its first 7
-- days.
-- Grain: vendor, timeframe, token_id
with covered_segments as (
    select
        coverage.vendor,
        coverage.timeframe,
        coverage.token_id,
        segment.segment,
        -- The later of the two moments is a bar of the segment, because a segment has no holes.
        greatest(
            coverage.covered_from,
            case segment.segment when 1 then segment.started_at + interval 7 days else segment.started_at end
        ) as entered_at,
        least(coverage.covered_to + bar_length(coverage.timeframe), segment.ended_at) as closed_at
    from work.coverage as coverage
    inner join core.segment as segment using (timeframe, token_id)
),

entries as (
    select
        vendor,
        timeframe,
        token_id,
        min(segment) as segment,
        arg_min(entered_at, segment) as entered_at
    from covered_segments
    where entered_at < closed_at
    group by all
)
{%- if not is_full %},

-- Entry bar unchanged: reuse its price.
known as (
    select
        entries.*,
        old.entry_price
    from entries
    inner join work.hold_entry as old using (vendor, timeframe, token_id, segment, entered_at)
    left join plan.spine_scope as scope using (timeframe, token_id)
    where scope.token_id is null or scope.anchor_at >= entries.entered_at
)

from known
union all
{%- endif %}
select
    entries.vendor,
    entries.timeframe,
    entries.token_id,
    entries.segment,
    entries.entered_at,
    bar.open as entry_price
from entries
inner join work.spine_bar as bar
    on
        entries.timeframe = bar.timeframe
        and entries.token_id = bar.token_id
        and entries.entered_at = bar.bar_start
{%- if not is_full %}
anti join known on
    entries.vendor = known.vendor
    and entries.timeframe = known.timeframe
    and entries.token_id = known.token_id
{%- endif %}
