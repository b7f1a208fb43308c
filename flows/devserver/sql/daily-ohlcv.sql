-- Grain: token x day, newest day first; today's bar is unfinished.
select
    bar_1d.token_id,
    token_name,
    token_symbol,
    slug,
    bar_start as date,
    open,
    high,
    low,
    close,
    volume
from bar_1d
inner join token on bar_1d.token_id = token.token_id
order by bar_start desc, draw(bar_1d.token_id, day_number(bar_start))
