-- Why an increment will not do: a known token changed, and with it everything that was computed of it. A row a reason.
-- Grain: reason
-- Only: increment
with sector_epochs as (
    from work.sector_epoch
    except
    from temp.epoch_before
),

changes as (
    select new.token_id
    from temp.token_before as old
    inner join work.current_token as new using (token_id)
    where (old.symbol, old.sector, old.is_scored) is distinct from (new.symbol, new.sector, new.is_scored)
    union all
    select new.token_id
    from temp.price_source_before as old
    inner join work.price_source as new using (timeframe, token_id)
    where old.price_source <> new.price_source
    union all
    select epoch as token_id
    from sector_epochs
)

select distinct 'a known token changed its symbol, sector, price source or whether it is scored' as reason
from changes
