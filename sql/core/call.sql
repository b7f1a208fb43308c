-- One call: the first version of a signal row that takes a side (long or short) which the token was not on before. A
-- later change of the row does not change its call. A vendor's first row of a token is never a call, because no side
-- before it is known. Where the style is `events`, every row that takes a side is a call, the first one and repeated
-- sides included.
-- Grain: vendor, token_id, timeframe, signal_at
-- Replaces: from plan.call_scope as scope where old.vendor = scope.vendor and old.timeframe = scope.timeframe and old.token_id = scope.token_id and old.signal_at >= scope.signal_from
select
    sided.vendor,
    sided.token_id,
    sided.timeframe,
    sided.signal_at,
    sided.direction,
    sided.side_before,
    sided.signal_at - sided.before_at > bar_length(sided.timeframe) as after_gap,
    sided.known_at,
    sided.provenance,
    epoch.epoch as sector_epoch,
    token_sector.sector
from temp.sided_row as sided
asof inner join work.sector_epoch as epoch on sided.known_at >= epoch.valid_from
inner join work.token_sector as token_sector
    on epoch.epoch = token_sector.epoch and sided.token_id = token_sector.token_id
where sided.is_call
