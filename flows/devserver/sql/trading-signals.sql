-- Grain: token x day, newest day first. Returns are multiples of the first row's close, before costs.
with moves as (
    select
        day_signal.*,
        close,
        close / lag(close) over tokens_days - 1 as move,
        -- A jump this large is a redenomination, not a return.
        case when move between -0.8 and 4 then lag(trend) over tokens_days * move else 0 end as gained,
        row_number() over tokens_days as place
    from day_signal
    left join bar_1d on day_signal.token_id = bar_1d.token_id and bar_start = signal_at
    window tokens_days as (partition by day_signal.token_id order by signal_at)
),

claims as (
    select
        token_id,
        signal_at,
        direction,
        trend,
        case when place > 1 then round(exp(sum(ln(greatest(0.05, 1 + gained))) over so_far), 4) end as strategy,
        case when place > 1 then round(close / first_value(close ignore nulls) over so_far, 4) end as holding
    from moves
    window so_far as (
        partition by token_id order by signal_at rows between unbounded preceding and current row
    )
)

select
    claims.token_id,
    token_name,
    token_symbol,
    signal_at as date,
    direction as trading_signal,
    as_side(direction) as token_signal_str,
    trend as token_trend,
    as_trend(trend) as token_trend_str,
    strategy as trading_signals_returns,
    holding as holding_returns,
    slug,
    tm_grade.grade as tm_grade,
    fundamental_grade.grade as fundamental_grade,
    'https://app.tokenmetrics.com/undefined' as link
from claims
inner join token using (token_id)
left join tm_grade on claims.token_id = tm_grade.token_id and tm_grade.graded_at = signal_at
asof left join fundamental_grade
    on claims.token_id = fundamental_grade.token_id and fundamental_grade.graded_at <= signal_at
order by signal_at desc, draw(claims.token_id, day_number(signal_at))
