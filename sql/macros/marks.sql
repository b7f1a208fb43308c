{#-
The least e value that e-BH marks at a false discovery rate of 0.10, for each value of `family` (Wang and Ramdas 2022): in
falling order of e, the k-th is marked where it reaches n / (0.10 k), and so is every larger one. `rows` has the columns
`family`, `e` and `is_reportable`. Cells that are not reportable count in n and are never marked: their e counts as 0.
-#}
{% macro least_marked(rows, family, e) -%}
select
    {{ family }},
    min({{ e }}) as least_marked
from (
    select
        {{ family }},
        {{ e }},
        is_reportable,
        count({{ e }}) over (partition by {{ family }}) as n_tests,
        -- Equal values are counted together: either all of them are marked or none.
        count(*) filter (where is_reportable) over (partition by {{ family }} order by {{ e }} desc) as n_at_least
    from {{ rows }}
    where {{ e }} is not null
)
where is_reportable and {{ e }} >= n_tests / (0.10 * n_at_least)
group by {{ family }}
{%- endmacro %}
