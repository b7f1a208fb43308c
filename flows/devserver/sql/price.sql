-- Grain: token. The symbol is in lower case, and there is no timestamp.
select
    token.token_id,
    close as current_price,
    token_name,
    lower(token_symbol) as token_symbol,
    slug
from token
inner join newest_price using (token_id)
order by token.token_id
