-- One reason why an increment will not do and a full build is needed: a known token changed its symbol or sector, or
-- whether it is scored, or a vendor's signals changed their style, and with it everything that was computed from it; or
-- the newest bar of a token turned out to be without trade, so that even the newest bar of the market may be an earlier
-- one.
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
    select epoch as token_id
    from sector_epochs
)

select distinct 'a known token changed its symbol, sector or whether it is scored' as reason
from changes
union all
select distinct 'the newest bar of a token turned out to be without trade' as reason
from {{ before('core.segment') }} as segment
inner join work.flat_bar as flat_bar
    on
        segment.timeframe = flat_bar.timeframe
        and segment.token_id = flat_bar.token_id
        and segment.ended_at - bar_length(segment.timeframe) = flat_bar.bar_start
        and coalesce(segment.price_source, '') = flat_bar.price_source
where not flat_bar.is_traded
union all
select distinct 'the style of known signals changed' as reason
from temp.style_before as old
inner join work.style as new using (vendor, timeframe)
where old.style <> new.style
