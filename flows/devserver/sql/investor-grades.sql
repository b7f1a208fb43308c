-- Grain: token x day, newest day first. The investor grade is half fundamental, half technology.
select
    fundamental_grade.token_id,
    token_name,
    token_symbol,
    graded_at as date,
    round((grade + technology_grade) / 2, 2) as tm_investor_grade,
    percent_change(
        grade + technology_grade, lag(grade + technology_grade) over (partition by fundamental_grade.token_id order by graded_at)
    ) as tm_investor_grade_7d_pct_change,
    grade as fundamental_grade,
    technology_grade,
    round(100 - grade, 2) as valuation_grade,
    null::double as defi_usage_score,
    community_score,
    10 as exchange_score,
    vc_score,
    case when draw(fundamental_grade.token_id, 6) > 0.3 then 10 end as tokenomics_score,
    case when draw(fundamental_grade.token_id, 7) > 0.2 then 10 end as defi_scanner_score,
    case when draw(fundamental_grade.token_id, 8) > 0.5 then round(technology_grade / 10, 2) end as activity_score,
    case when draw(fundamental_grade.token_id, 9) > 0.2 then 4.1::double end as security_score,
    round(technology_grade / 11, 2) as repository_score,
    round(technology_grade / 12, 2) as collaboration_score
from fundamental_grade
inner join token on fundamental_grade.token_id = token.token_id
order by graded_at desc, draw(fundamental_grade.token_id, day_number(graded_at))
