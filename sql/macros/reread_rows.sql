{#- Rows of a dataset that somebody looked at again after they had first been fetched closed. -#}
{% macro reread_rows(dataset) -%}
select
    '{{ dataset.name }}' as dataset,
    told.vendor,
    {{ 'told.' if dataset.has_timeframe }}{{ dataset.timeframe_column }},
    told.token_id,
    {{ dataset.own_key }} as key,
    told.{{ dataset.moment }} as moment_at
from {{ dataset.as_of_table }} as told
inner join staging.usable_snapshot as snapshot using (snapshot_id)
left join work.last_read as last_read
    on
        last_read.dataset = '{{ dataset.name }}'
        and told.vendor = last_read.vendor
        and {{ 'told.' if dataset.has_timeframe }}{{ dataset.timeframe }} = last_read.timeframe
        and told.{{ dataset.moment }}::date = last_read.day
left join work.last_token_read as last_token_read
    on
        last_token_read.dataset = '{{ dataset.name }}'
        and told.vendor = last_token_read.vendor
        and {{ 'told.' if dataset.has_timeframe }}{{ dataset.timeframe }} = last_token_read.timeframe
        and told.token_id = last_token_read.token_id
        and told.{{ dataset.moment }} between last_token_read.read_from and last_token_read.read_to
where told.revision = 0 and greatest(last_read.read_at, last_token_read.read_at) > snapshot.as_of
{%- endmacro %}
