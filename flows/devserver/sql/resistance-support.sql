-- Grain: token. Levels without sides and in no order; a tenth of the tokens has none.
with newest as (
    select
        token_id,
        level_at,
        price,
        formed_at
    from levels
    qualify level_at = max(level_at) over (partition by token_id)
),

listed as (
    select
        token_id,
        max(level_at) as date,
        list({ 'date': strftime(formed_at, '%Y-%m-%d'), 'level': price } order by hash(price, formed_at))
            as historical_resistance_support_levels,
        list(price order by price) as prices
    from newest
    group by token_id
)

select
    listed.token_id,
    token_name,
    token_symbol,
    slug,
    date,
    case when draw(listed.token_id, 3) > 0.1 then historical_resistance_support_levels end
        as historical_resistance_support_levels,
    newest_price.close as price,
    [level for level in prices if level > newest_price.close][1] as resistance_1,
    [level for level in prices if level > newest_price.close][2] as resistance_2,
    [level for level in prices if level > newest_price.close][3] as resistance_3,
    [level for level in prices if level <= newest_price.close][-1] as support_1,
    [level for level in prices if level <= newest_price.close][-2] as support_2,
    [level for level in prices if level <= newest_price.close][-3] as support_3,
    link
from listed
inner join token on listed.token_id = token.token_id
left join newest_price on listed.token_id = newest_price.token_id
order by date desc, draw(listed.token_id, day_number(date))
