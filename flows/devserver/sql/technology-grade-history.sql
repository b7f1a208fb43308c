-- Grain: token x day, newest day first. The sample has no technology grade; it is derived from the fundamental grade.
select
    fundamental_grade.token_id,
    token_name,
    token_symbol,
    slug,
    graded_at as date,
    technology_grade,
    case when draw(fundamental_grade.token_id, 8) > 0.5 then round(technology_grade / 10, 2) end as activity_score,
    case when draw(fundamental_grade.token_id, 9) > 0.2 then 4.1::double end as security_score,
    round(technology_grade / 11, 2) as repository_score,
    round(technology_grade / 12, 2) as collaboration_score,
    case when draw(fundamental_grade.token_id, 7) > 0.2 then 10 end as defi_scanner_score
from fundamental_grade
inner join token on fundamental_grade.token_id = token.token_id
order by graded_at desc, draw(fundamental_grade.token_id, day_number(graded_at))
