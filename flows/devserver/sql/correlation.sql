-- Grain: token, with the ten most and ten least correlated tokens over 90 days, unordered; null with too few days.
with returns as (
    select
        token_id,
        bar_start,
        close / lag(close) over (partition by token_id order by bar_start) - 1 as r
    from bar_1d
    where bar_start >= getvariable('now')::date - interval 90 days
),

peers as (
    select token_id from token
    where rank <= 60
),

pairs as (
    select
        one.token_id,
        other.token_id as other_id,
        round(corr(one.r, other.r), 3) as correlation
    from returns as one
    inner join returns as other on one.bar_start = other.bar_start and one.token_id <> other.token_id
    inner join peers on other.token_id = peers.token_id
    where one.r is not null and other.r is not null
    group by one.token_id, other.token_id
    having count(*) >= 30 and correlation is not null
),

chosen as (
    select *
    from pairs
    qualify
        row_number() over (partition by token_id order by correlation desc, other_id asc) <= 10
        or row_number() over (partition by token_id order by correlation, other_id) <= 10
),

listed as (
    select
        chosen.token_id,
        list({ 'correlation': correlation, 'token': token_name } order by draw(other_id, chosen.token_id))
            as top_correlation
    from chosen
    inner join token on token.token_id = other_id
    group by chosen.token_id
)

select
    token.token_id,
    token_name,
    token_symbol,
    slug,
    getvariable('now')::date::timestamp as date,
    top_correlation
from token
left join listed on token.token_id = listed.token_id
order by draw(token.token_id, 5)
