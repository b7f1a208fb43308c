-- Grain: token x day, newest day first.
select
    tm_grade.token_id,
    token_name,
    token_symbol,
    slug,
    graded_at as date,
    as_text(grade) as tm_grade,
    label as tm_grade_signal,
    as_text(percent_change(grade, grade_before)) as tm_grade_24h_pct_change,
    as_text(grade - grade_before) as tm_trader_grade_24h_change,
    as_text(quant_grade) as quant_grade,
    momentum(grade - grade_before) as momentum,
    direction as trading_signal,
    as_side(direction) as token_signal_str,
    link
from tm_grade
inner join token on tm_grade.token_id = token.token_id
left join day_signal on tm_grade.token_id = day_signal.token_id and signal_at = graded_at
order by graded_at desc, draw(tm_grade.token_id, day_number(graded_at))
