-- Grain: index x day, oldest day first.
with moves as (
    select
        token_id,
        bar_start,
        volume,
        close / lag(close) over (partition by token_id order by bar_start) - 1 as r
    from bar_1d
    qualify r is null or r between -0.8 and 4
),

days as (
    select
        id,
        bar_start,
        avg(r) as r,
        sum(volume) as volume
    from moves
    inner join token using (token_id)
    inner join (values (1, 5), (2, 10), (3, 20)) as market_index (id, size) on rank <= size
    group by id, bar_start
)

select
    id,
    bar_start as date,
    round(exp(sum(ln(1 + coalesce(r, 0))) over so_far) - 1, 10) as index_cumulative_roi,
    round(5e8 * exp(sum(ln(1 + coalesce(r, 0))) over so_far), 5) as market_cap,
    volume,
    round(6e8 * exp(sum(ln(1 + coalesce(r, 0))) over so_far), 5) as fdv
from days
window so_far as (partition by id order by bar_start)
order by bar_start, id
