-- The sector of a token in one epoch of the sector map; in an epoch before the token was known, its first known sector.
-- Grain: epoch, token_id
select
    sector_epoch.epoch,
    token.token_id,
    coalesce(
        arg_max(token.sector, token.known_from) filter (where token.known_from <= sector_epoch.valid_from),
        arg_min(token.sector, token.known_from)
    ) as sector
from work.sector_epoch as sector_epoch
cross join core.token as token
where token.known_to is null or token.known_to > token.known_from
group by all
