-- One token as it is known now.
-- Grain: token_id
select
    token_id,
    symbol,
    sector,
    is_scored
from core.token
where known_to is null
