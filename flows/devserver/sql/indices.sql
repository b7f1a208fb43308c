-- Grain: index. Three invented ones: the first tokens by rank, in equal parts.
select
    id,
    'Sample ' || size as name,
    'SMP' || size as ticker,
    round(100 * (1 + draw(id, 1)), 2) as price,
    size as coins,
    round(draw(id, 2) * 10 - 5, 2) as change_24h,
    round(draw(id, 3) * 20 - 10, 2) as change_7d,
    round(draw(id, 4) * 40 - 20, 2) as change_1m,
    round(1e7 * draw(id, 5)) as volume_24h,
    round(100 * draw(id, 6), 2) as index_grade,
    round(draw(id, 7) * 5, 4) as all_time,
    round(1e9 * draw(id, 8)) as market_cap,
    ['https://example.invalid/icon.png'] as top_gainers_icons,
    type
from (values (1, 5, 'active'), (2, 10, 'active'), (3, 20, 'passive')) as market_index (id, size, type)
order by id
