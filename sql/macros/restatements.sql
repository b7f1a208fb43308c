{#- Each value of a dataset that a vendor changed after the first version that was fetched closed. -#}
{% macro restatements(dataset) -%}
with versions as (
    select
        *,
        first(known_from) over of_key as first_known_at
        {%- for field in dataset.value_columns %},
        first({{ field }}) over of_key as first_{{ field }},
        lag({{ field }}) over of_key as earlier_{{ field }}
        {%- endfor %}
    from {{ dataset.as_of_table }}
    where
        not is_preliminary
        and hash({{ dataset.full_key | join(', ') }}) in (
            select hash({{ dataset.full_key | join(', ') }})
            from {{ dataset.as_of_table }}
            where revision > 0
        )
    window of_key as (partition by {{ dataset.full_key | join(', ') }} order by revision)
),

revised as (
    from versions
    where revision > 0
)

{% for field in dataset.value_columns -%}
select
    {{ dataset.vendor_column }},
    '{{ dataset.name }}' as dataset,
    token_id,
    {{ dataset.timeframe_column }},
    {{ dataset.own_key }} as key,
    {{ dataset.moment }} as moment_at,
    'changed' as kind,
    '{{ field }}' as field,
    first_{{ field }}::varchar as first_value,
    {{ field }}::varchar as later_value,
    revision,
    first_known_at,
    known_from as changed_at,
    known_from - {{ dataset.moment }} as age_when_changed
from revised
where not {{ dataset.is_same_value(field, '', 'earlier_') }}
{%- if not loop.last %}
union all
{% endif %}
{%- endfor %}
{%- endmacro %}
