-- How many scored tokens beat Bitcoin over 90 days. Bitcoin is found by its name, else by its ticker against the dollar.
with changes as (
    select
        daily_step.token_id,
        any_value(token_row.symbol) as symbol,
        bool_or(
            lower(token_row.name) = 'bitcoin' or upper(token_row.symbol) in ('BTC', 'BTCUSD', 'BTCUSDT')
        ) as is_bitcoin,
        arg_max(daily_step.close, daily_step.bar_start) / arg_min(daily_step.close, daily_step.bar_start) as change
    from daily_step
    inner join core.token_as_of(getvariable('as_of')) as token_row using (token_id)
    where daily_step.bar_start >= getvariable('week_to') - interval 91 days
    group by daily_step.token_id
    having
        count(*) = 91
        and count(step) filter (where daily_step.bar_start >= getvariable('week_to') - interval 90 days) = 90
),

bitcoin as (
    select *
    from changes
    where is_bitcoin
    order by token_id
    limit 1
)

select
    bitcoin.symbol as bitcoin,
    count(*) filter (where changes.change > bitcoin.change) as n_beat_bitcoin,
    count(*) as n_beat_bitcoin_of
from changes
inner join bitcoin on changes.token_id <> bitcoin.token_id
group by bitcoin.symbol
