-- Grain: index x token.
with tm as (
    select * from tm_grade qualify graded_at = max(graded_at) over (partition by token_id)
)

select
    id,
    token.token_id,
    token_name,
    token_symbol,
    slug,
    slug as coin,
    slug as cg_id,
    round(1.0 / size, 6)::double as weight,
    market_cap,
    close as price,
    round(draw(token.token_id, 10) - 0.5, 4) as current_roi,
    tm.grade as trader_grade,
    round(tm.grade - tm.grade_before, 2) as trader_grade_change_24h,
    'https://example.invalid/icon.png' as icon,
    getvariable('now')::date::timestamp as date
from (values (1, 5), (2, 10), (3, 20)) as market_index (id, size)
inner join token on rank <= size
left join newest_price on token.token_id = newest_price.token_id
left join tm on token.token_id = tm.token_id
order by id, rank
