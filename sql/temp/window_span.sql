-- One span of entries of a token whose windows are computed anew: all from the first that may have changed, or, where
-- bars were only appended to a segment that goes on, those on the new bars and those that have closed since. Windows of
-- an earlier segment close with the newest bar of the market, so spans reach to that and not to the token's own newest
-- bar.
-- Grain: timeframe, token_id, entry_from, entry_to
-- Only: increment
with appended as (
    select
        scope.timeframe,
        scope.token_id,
        scope.appended_to,
        newest_bar.newest_bar_end
    from plan.window_scope as scope
    inner join core.segment as segment using (timeframe, token_id, segment)
    inner join work.newest_bar as newest_bar using (timeframe)
    where scope.appended_to is not null and not segment.has_ended
),

closing as (
    select
        *,
        unnest({{ horizons_of('timeframe') }}) as horizon
    from appended
)

select
    timeframe,
    token_id,
    entry_from,
    'infinity'::timestamp as entry_to
from plan.window_scope
anti join appended using (timeframe, token_id)
union
select
    timeframe,
    token_id,
    appended_to + bar_length(timeframe) as entry_from,
    'infinity'::timestamp as entry_to
from appended
union
select
    timeframe,
    token_id,
    appended_to - (horizon - 2) * bar_length(timeframe) as entry_from,
    newest_bar_end - horizon * bar_length(timeframe) as entry_to
from closing
