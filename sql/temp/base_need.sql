-- The entry moments whose base is counted anew, with the sector epochs they are asked for: the one of the entry
-- itself, and those of the calls that enter then.
-- Grain: timeframe, entry_at, epoch
select
    scope.timeframe,
    scope.entry_at,
    epoch.epoch,
    true as is_of_entry
from temp.outcome_scope as scope
asof inner join work.sector_epoch as epoch on scope.entry_at >= epoch.valid_from
union
select
    entry.timeframe,
    entry.entry_at,
    entry.sector_epoch as epoch,
    false as is_of_entry
from work.call_entry as entry
semi join temp.outcome_scope as scope on entry.timeframe = scope.timeframe and entry.entry_at = scope.entry_at
asof inner join work.sector_epoch as epoch on entry.entry_at >= epoch.valid_from
where entry.sector_epoch <> epoch.epoch
