-- Grain: token, the newest grade. Scores of 0 to 10, any of them null.
select
    fundamental_grade.token_id,
    token_name,
    token_symbol,
    slug,
    grade as fundamental_grade,
    label as fundamental_grade_class,
    community_score,
    10 as exchange_score,
    vc_score,
    case when draw(fundamental_grade.token_id, 6) > 0.3 then 10 end as tokenomics_score,
    case when draw(fundamental_grade.token_id, 7) > 0.2 then 10 end as defi_scanner_score
from fundamental_grade
inner join token on fundamental_grade.token_id = token.token_id
qualify graded_at = max(graded_at) over (partition by fundamental_grade.token_id)
order by draw(fundamental_grade.token_id, 5)
