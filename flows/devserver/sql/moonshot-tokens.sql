-- Grain: token. Numbers as text, and in v2 no token id.
select
    token.token_id,
    slug,
    'active' as type,
    strftime(max(signal_at), '%Y-%m-%dT%H:%M:%S.000Z') as last_trading_signal_time,
    as_text(last(grade order by signal_at)) as tm_trader_grade,
    as_text(percent_change(last(grade order by signal_at), last(grade_before order by signal_at)))
        as tm_trader_grade_24h_pct_change,
    '11.80' as price_change_percentage_7d_in_currency,
    market_cap::bigint::varchar as market_cap,
    (market_cap * 0.03)::bigint::varchar as volume_24h,
    null::varchar as moonshot_end_at,
    strftime(max(signal_at), '%Y-%m-%dT%H:%M:%S.000Z') as moonshot_at,
    round(draw(token.token_id, 11) * 10, 2) as moonshot_roi,
    token_name,
    token_symbol
from token
inner join day_signal on token.token_id = day_signal.token_id
left join tm_grade on token.token_id = tm_grade.token_id and graded_at = signal_at
where direction = 1 and rank > 3
group by all
order by moonshot_at desc, token.token_id asc
