-- One epoch of the sector map: the moment from which it is valid. A new one begins whenever a known token changes its
-- sector; epoch 0 is valid from the beginning.
-- Grain: epoch
with sectors as (
    select
        known_from,
        sector,
        lag(sector) over token as sector_before,
        lag(known_from) over token as known_before
    from core.token
    -- A version that was replaced at the moment it became known is left out, because it was never known.
    where known_to is null or known_to > known_from
    window token as (partition by token_id order by known_from)
),

changes as (
    select distinct known_from as valid_from
    from sectors
    where known_before is not null and sector <> sector_before
)

select
    0 as epoch,
    '-infinity'::timestamp as valid_from
union all
select
    row_number() over (order by valid_from) as epoch,
    valid_from
from changes
