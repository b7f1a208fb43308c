-- Grain: token, the newest id first.
with today as (
    select
        token_id,
        max_by(high, bar_start) as high,
        max_by(low, bar_start) as low,
        max_by(close, bar_start) as close,
        max_by(open, bar_start) as open
    from bar_1d
    group by token_id
)

select
    token.token_id,
    token_name,
    token_symbol,
    slug,
    exchange_list,
    category_list,
    link,
    map { 'ethereum': address } as contract_address,
    newest_price.close as current_price,
    market_cap,
    round(market_cap * 0.03) as total_volume,
    round(market_cap * 1.2) as fully_diluted_valuation,
    round(market_cap / newest_price.close) as circulating_supply,
    round(market_cap * 1.2 / newest_price.close) as total_supply,
    null::double as max_supply,
    today.high as high_24_h,
    today.low as low_24_h,
    round((today.close / today.open - 1) * 100, 4) as price_change_percentage_24_h_in_currency
from token
left join token_categories using (token_id)
left join token_exchanges using (token_id)
left join newest_price using (token_id)
left join today using (token_id)
order by token.token_id desc
