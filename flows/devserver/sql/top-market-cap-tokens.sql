-- Grain: token, the largest first; the answer has neither rank nor market cap.
select
    token_id,
    token_name,
    token_symbol,
    slug,
    exchange_list,
    category_list,
    link
from token
left join token_categories using (token_id)
left join token_exchanges using (token_id)
order by rank
