-- Grain: token. Invented scenarios: four market sizes, each with a base, a bear and a moon price.
select
    token.token_id,
    token_name,
    token_symbol,
    slug,
    getvariable('now')::date::timestamp as date,
    {
        'token_mcap': market_cap,
        'total_mcap': 3.5e12,
        'current_price': close,
        'predicted_date': strftime(getvariable('now') + interval 1 year, '%Y-%m-%d'),
        'price_prediction': [
            {
                'scenario': size || ' trillion',
                'total_mcap_scenario': size * 1e12,
                'predicted_price_base': close * size / 3.5,
                'predicted_price_bear': close * size / 5.0,
                'predicted_price_moon': close * size / 2.0,
                'predicted_roi_base': size / 3.5 - 1,
                'predicted_roi_bear': size / 5.0 - 1,
                'predicted_roi_moon': size / 2.0 - 1
            }
            for size in [4, 6, 8, 10]
        ]
    } as price_prediction
from token
inner join newest_price using (token_id)
order by draw(token.token_id, 5)
