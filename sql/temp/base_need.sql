-- One entry moment whose base windows are counted anew, with a sector epoch they are counted in: the epoch of the entry
-- itself (`is_of_entry`), and those in which the calls entered then became known.
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
