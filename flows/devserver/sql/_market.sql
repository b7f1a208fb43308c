-- Tables that every select of this folder reads: the sample market as the vendor would serve it at the moment
-- `getvariable('now')`, with today's unfinished row. Columns that the sample does not have (links, supplies, exchanges,
-- ranks) are derived from the token's id.

create macro draw(a, b) as ((a * 2654435761 + b * 40503) % 1000003) / 1000003.0;
create macro day_number(moment) as date_diff('day', date '2000-01-01', moment::date);
create macro as_side(value) as case value when 1 then 'bullish' when -1 then 'bearish' else 'neutral' end;
create macro as_trend(value) as case value when 1 then 'up' when -1 then 'down' else 'sideways' end;

create table listing as
select
    token_id,
    exchange_id,
    exchange_name,
    place
from tokens
cross join (
    values
    (1, 'binance', 'Binance'), (2, 'gdax', 'Coinbase Exchange'), (3, 'kraken', 'Kraken'), (4, 'okex', 'OKX'),
    (5, 'bybit_spot', 'Bybit'), (6, 'mxc', 'MEXC'), (7, 'gate', 'Gate.io'), (8, 'uniswap_v3', 'Uniswap V3 (Ethereum)')
) as exchange (place, exchange_id, exchange_name)
where draw(token_id, place) < 0.5;

create table token as
with prep_1 as (
    select
        token_id,
        list(exchange_id) as exchanges
    from listing
    group by token_id
)

select
    token_id,
    name as token_name,
    symbol as token_symbol,
    replace(lower(name), ' ', '-') as slug,
    'https://app.tokenmetrics.com/' || replace(lower(name), ' ', '-') as link,
    categories,
    coalesce(exchanges, []) as exchanges,
    printf('0x%040x', token_id * 7919) as address,
    'ethereum:' || printf('0x%040x', token_id * 7919) as blockchain_address,
    row_number() over (order by draw(token_id, 1), token_id) as rank,
    round(1.4e12 / row_number() over (order by draw(token_id, 1), token_id) ** 1.2) as market_cap
from tokens
left join prep_1 using (token_id);

create table category as
select
    category_slug,
    row_number() over (order by category_slug) as category_id,
    array_to_string([upper(word[1]) || word[2:] for word in string_split(category_slug, '-')], ' ') as category_name
from (select distinct unnest(categories) as category_slug from token);

create table token_categories as
select
    listed.token_id,
    list(
        { 'category_id': category_id, 'category_name': category_name, 'category_slug': category_slug }
        order by category_id
    ) as category_list
from (select
    token_id,
    unnest(categories) as category_slug
from token) as listed
inner join category using (category_slug)
group by listed.token_id;

create table token_exchanges as
select
    token_id,
    list({ 'exchange_id': exchange_id, 'exchange_name': exchange_name } order by place) as exchange_list
from listing
group by token_id;

create table bar_1h as
select
    token_id,
    bar_start,
    open,
    high,
    low,
    close,
    volume_usd as volume
from prices
where timeframe = '1h';

create table bar_1d as
select
    token_id,
    bar_start,
    open,
    high,
    low,
    close,
    volume_usd as volume
from prices
where timeframe = '1d'
union all
select
    token_id,
    getvariable('now')::date::timestamp as bar_start,
    arg_min(open, bar_start) as open,
    max(high) as high,
    min(low) as low,
    arg_max(close, bar_start) as close,
    sum(volume) as volume
from bar_1h
where bar_start >= getvariable('now')::date and getvariable('partial_today')
group by token_id;

create table newest_price as
select
    token_id,
    max_by(close, (bar_start, length)) as close
from (
    select
        token_id,
        bar_start,
        close,
        2 as length
    from bar_1d
    union all
    select
        token_id,
        bar_start,
        close,
        1 as length
    from bar_1h
)
group by token_id;

-- Half of the tokens have a row for today, with no event and an unchanged trend.
create table day_signal as
select
    token_id,
    signal_at,
    direction::integer as direction,
    trend::integer as trend
from signals
where timeframe = '1d'
union all
select
    token_id,
    getvariable('now')::date::timestamp as signal_at,
    0 as direction,
    max_by(trend, signal_at) as trend
from signals
where timeframe = '1d' and getvariable('partial_today')
group by token_id
having
    max(signal_at) >= getvariable('now')::date - interval 3 days
    and draw(token_id, day_number(getvariable('now'))) < 0.5;

create table tm_grade as
select
    token_id,
    graded_at,
    grade,
    label,
    (components ->> 'ta_grade')::double as ta_grade,
    (components ->> 'quant_grade')::double as quant_grade,
    lag(grade) over tokens_days as grade_before
from grades
where kind = 'tm'
window tokens_days as (partition by token_id order by graded_at);

create table fundamental_grade as
select
    token_id,
    graded_at,
    grade,
    label,
    (components ->> 'community_score')::double as community_score,
    (components ->> 'vc_score')::double as vc_score,
    round(20 + 0.7 * grade, 2) as technology_grade
from grades
where kind = 'fundamental';

create macro momentum(change) as case
    when change is null then 'No Momentum'
    when change >= 10 then 'Momentum Surging'
    when change >= 2 then 'Gaining Momentum'
    when change > -2 then 'Holding Steady'
    when change > -10 then 'Losing Momentum'
    else 'Momentum Crashing'
end;
create macro percent_change(value, before) as
case when before <> 0 then round((value - before) / before * 100, 2) end;
create macro as_text(value) as printf('%.2f', value);
