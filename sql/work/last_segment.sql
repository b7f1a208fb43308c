-- The newest segment of a token.
-- Grain: timeframe, token_id
select
    timeframe,
    token_id,
    ended_at,
    has_ended
from core.segment
qualify segment = max(segment) over (partition by timeframe, token_id)
