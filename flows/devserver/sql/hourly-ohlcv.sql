-- Grain: token x hour, newest hour first.
select
    bar_1h.token_id,
    token_name,
    token_symbol,
    slug,
    bar_start as timestamp,
    open,
    high,
    low,
    close,
    volume
from bar_1h
inner join token on bar_1h.token_id = token.token_id
order by bar_start desc, draw(bar_1h.token_id, epoch(bar_start)::bigint // 3600)
