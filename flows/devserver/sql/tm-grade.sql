-- Grain: token, the newest grade, numbers as text.
select
    tm_grade.token_id,
    token_name,
    token_symbol,
    slug,
    as_text(grade) as tm_grade,
    label as tm_grade_signal,
    as_text(percent_change(grade, grade_before)) as tm_grade_24h_pct_change,
    as_text(grade - grade_before) as tm_trader_grade_24h_change,
    as_text(quant_grade) as quant_grade,
    momentum(grade - grade_before) as momentum
from tm_grade
inner join token on tm_grade.token_id = token.token_id
qualify graded_at = max(graded_at) over (partition by tm_grade.token_id)
order by draw(tm_grade.token_id, 5)
