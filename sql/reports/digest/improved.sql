-- Risk and return of each token over the 90 daily returns to the week's end, and to the end of the week before.
-- Simple returns, risk-free rate 0, sample deviation, a year of 365 days.
with spans as (
    select
*,
unnest([0, 7]) as days_before
from daily_step
),

inside as (
    select
        *,
        bar_start >= getvariable('week_to') - to_days(days_before + 90) as is_return,
        max(close) over (partition by token_id, days_before order by bar_start) as highest
    from spans
    where
        bar_start < getvariable('week_to') - to_days(days_before)
        and bar_start >= getvariable('week_to') - to_days(days_before + 91)
),

measured as (
    select
        token_id,
        days_before,
        avg(step) filter (where is_return) / nullif(stddev_samp(step) filter (where is_return), 0) * sqrt(365) as sharpe,
        stddev_samp(step) filter (where is_return) * sqrt(365) as volatility,
        min(close / highest - 1) as max_drawdown
    from inside
    group by token_id, days_before
    having count(*) = 91 and count(step) filter (where is_return) = 90
),

pairs as (
    select
        now.token_id,
        now.sharpe,
earlier.sharpe as sharpe_before,
        now.max_drawdown,
earlier.max_drawdown as max_drawdown_before,
        now.volatility,
earlier.volatility as volatility_before
    from measured as now
    inner join measured as earlier using (token_id)
    where now.days_before = 0 and earlier.days_before = 7
)

select
    pairs.*,
token_row.symbol,
coalesce(token_row.sector, 'other') as sector,
    sharpe > sharpe_before and max_drawdown > max_drawdown_before and volatility < volatility_before as is_improved
from pairs
inner join core.token_as_of(getvariable('as_of')) as token_row using (token_id)
order by sharpe - sharpe_before desc, token_row.symbol, token_id asc
