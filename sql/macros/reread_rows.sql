{#-
Rows of a dataset that a later delivery covered again after they had first been fetched closed, so that a change of them
would have been noticed.
-#}
{% macro reread_rows(dataset) -%}
select
    '{{ dataset.name }}' as dataset,
    first_version.vendor,
    {{ 'first_version.' if dataset.has_timeframe }}{{ dataset.timeframe_column }},
    first_version.token_id,
    {{ dataset.own_key }} as key,
    first_version.{{ dataset.moment }} as moment_at
from {{ dataset.as_of_table }} as first_version
inner join staging.usable_snapshot as snapshot using (snapshot_id)
left join work.last_read as last_read
    on
        last_read.dataset = '{{ dataset.name }}'
        and first_version.vendor = last_read.vendor
        and {{ 'first_version.' if dataset.has_timeframe }}{{ dataset.timeframe }} = last_read.timeframe
        and first_version.{{ dataset.moment }}::date = last_read.day
left join work.last_token_read as last_token_read
    on
        last_token_read.dataset = '{{ dataset.name }}'
        and first_version.vendor = last_token_read.vendor
        and {{ 'first_version.' if dataset.has_timeframe }}{{ dataset.timeframe }} = last_token_read.timeframe
        and first_version.token_id = last_token_read.token_id
        and first_version.{{ dataset.moment }} between last_token_read.read_from and last_token_read.read_to
where first_version.revision = 0 and greatest(last_read.read_at, last_token_read.read_at) > snapshot.as_of
{%- endmacro %}
