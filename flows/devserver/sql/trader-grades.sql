-- Grain: token x day, newest day first. The grade is 0.8 technical and 0.2 quant.
select
    tm_grade.token_id,
    token_name,
    token_symbol,
    graded_at as date,
    ta_grade,
    quant_grade,
    grade as tm_trader_grade,
    percent_change(grade, grade_before) as tm_trader_grade_24h_pct_change
from tm_grade
inner join token on tm_grade.token_id = token.token_id
order by graded_at desc, draw(tm_grade.token_id, day_number(graded_at))
