-- Grain: token; a tenth of the tokens has no scenarios.
select
    token.token_id,
    token_name,
    token_symbol,
    getvariable('now')::date::timestamp as date,
    case
        when draw(token.token_id, 4) > 0.1 then
            [
                {
                    'token_dominance': market_cap / 3.5e12,
                    'price_prediction': close * size / 3.5,
                    'crypto_market_cap_trillion': size
                }
                for size in [1, 3, 5, 10]
            ]
    end as scenario_analysis
from token
inner join newest_price using (token_id)
order by draw(token.token_id, 5)
