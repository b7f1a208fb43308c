-- Grain: token x day, newest day first; the bar of today is not over.
select bar_1d.token_id, token_name, token_symbol, slug, bar_start as date, open, high, low, close, volume
from bar_1d
join token on token.token_id = bar_1d.token_id
order by bar_start desc, draw(bar_1d.token_id, day_number(bar_start))
