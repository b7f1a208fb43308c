-- Grain: token, the newest day only. The sample's all-time figures; columns it does not have are computed from the bars.
with returns as (
    select
        token_id,
        bar_start,
        close / lag(close) over (partition by token_id order by bar_start) - 1 as r
    from bar_1d
),

computed as (
    select
        token_id,
        round(skewness(r), 2) as skew,
        round(kurtosis(r), 2) as kurtosis,
        round(abs(quantile_cont(r, 0.95) / nullif(quantile_cont(r, 0.05), 0)), 2) as tail_ratio,
        round(-avg(r) filter (where r > 0) / avg(r) filter (where r < 0), 9) as risk_reward_ratio,
        round(-sum(r) filter (where r > 0) / sum(r) filter (where r < 0), 2) as profit_factor,
        round(quantile_cont(r, 0.05), 2) as daily_value_at_risk,
        round(avg(r), 9) as daily_return_avg,
        round(stddev_samp(r), 9) as daily_return_std
    from returns
    group by token_id
),

holding as (
    select
        token_id,
        round(last(close order by bar_start) / first(close order by bar_start) - 1, 2) as all_time_return
    from bar_1d
    group by token_id
),

newest as (
    select *
    from quantmetrics
    where lookback is null
    qualify measured_at = max(measured_at) over (partition by token_id)
)

select
    newest.token_id,
    token_name,
    token_symbol,
    slug,
    measured_at as date,
    volatility,
    case when volatility is not null then all_time_return end as all_time_return,
    cagr,
    sharpe,
    sortino,
    max_drawdown,
    case when volatility is not null then skew end as skew,
    case when volatility is not null then tail_ratio end as tail_ratio,
    risk_reward_ratio,
    case when volatility is not null then profit_factor end as profit_factor,
    case when volatility is not null then kurtosis end as kurtosis,
    case when volatility is not null then daily_value_at_risk end as daily_value_at_risk,
    case when volatility is not null then daily_return_avg end as daily_return_avg,
    case when volatility is not null then daily_return_std end as daily_return_std
from newest
inner join token on newest.token_id = token.token_id
left join computed on newest.token_id = computed.token_id
left join holding on newest.token_id = holding.token_id
order by measured_at desc, draw(newest.token_id, 5)
