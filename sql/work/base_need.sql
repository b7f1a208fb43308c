-- The entry moments whose base is counted anew, with the sector epochs they are asked for: the one of the entry
-- itself, and those of the calls that enter then.
-- Grain: timeframe, entry_at, epoch
with entries as (
    select distinct
        '1d' as timeframe,
        entry_at
    from core.forward_window_1d
    union all
    select distinct
        '1h' as timeframe,
        entry_at
    from work.forward_window_1h
)

select
    entries.timeframe,
    entries.entry_at,
    epoch.epoch,
    true as is_of_entry
from entries
inner join plan.outcome_scope as scope using (timeframe)
asof inner join work.sector_epoch as epoch on entries.entry_at >= epoch.valid_from
where entries.entry_at >= scope.entry_from
union
select
    entry.timeframe,
    entry.entry_at,
    entry.sector_epoch as epoch,
    false as is_of_entry
from work.call_entry as entry
inner join plan.outcome_scope as scope using (timeframe)
asof inner join work.sector_epoch as epoch on entry.entry_at >= epoch.valid_from
where entry.entry_at >= scope.entry_from and entry.sector_epoch <> epoch.epoch
