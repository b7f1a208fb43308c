{#- Rows that a vendor inserted into the past of a dataset: an earlier delivery covered their moment without them. -#}
{% macro appearances(dataset) -%}
with first_versions as not materialized (
    select
        first_version.vendor,
        {{ dataset.timeframe_column }},
        first_version.token_id,
        {{ dataset.own_key }} as key,
        first_version.{{ dataset.moment }} as moment_at,
        first_version.snapshot_id,
        snapshot.as_of as first_at
    from {{ dataset.as_of_table }} as first_version
    inner join staging.usable_snapshot as snapshot using (snapshot_id)
    where first_version.revision = 0
),

-- Late rows: fetched more than a bar after their own bar had closed, and not by the first delivery of the dataset, in
-- which every row is new.
late as (
    select *
    from first_versions
    where
        first_at >= moment_at + 2 * bar_length(timeframe)
        {%- if not is_full %}
        -- Whether a row was inserted depends on earlier deliveries alone, so the rows of earlier nights are decided.
        and snapshot_id > getvariable('last_snapshot_id')
        {%- endif %}
        and first_at > (select min(as_of) from staging.usable_reread where dataset = '{{ dataset.name }}')
),

late_token as (
    select distinct
        vendor,
        timeframe,
        token_id
    from late
),

-- A row older than all rows known of its token until then makes the history longer, which is no insertion.
inserted as (
    select late.*
    from late
    semi join (
        select first_versions.*
        from first_versions
        inner join late_token using (vendor, timeframe, token_id)
    ) as earlier
        on
            late.vendor = earlier.vendor
            and late.timeframe = earlier.timeframe
            and late.token_id = earlier.token_id
            and late.moment_at > earlier.moment_at
            and late.first_at > earlier.first_at
),

-- An earlier delivery, made after the bar of the row had closed, covered the moment of the row.
covered as (
    select inserted.*
    from inserted
    semi join staging.usable_reread as reread
        on
            reread.dataset = '{{ dataset.name }}'
            and inserted.vendor = reread.vendor
            and inserted.timeframe = reread.timeframe
            and inserted.first_at > reread.as_of
            and inserted.moment_at + bar_length(inserted.timeframe) <= reread.as_of
            and inserted.moment_at between reread.read_from and reread.read_to
            and (reread.read_token_ids is null or list_contains(reread.read_token_ids, inserted.token_id))
)

select
    '{{ dataset.name }}' as dataset,
    covered.vendor,
    covered.timeframe,
    covered.token_id,
    covered.key,
    covered.moment_at,
    covered.first_at as appeared_at
from covered
-- A row that had been delivered before its bar closed was known, so it was not inserted.
anti join (
    select
        vendor,
        {{ dataset.timeframe_column }},
        token_id,
        {{ dataset.own_key }} as key,
        {{ dataset.moment }} as moment_at
    from {{ dataset.as_of_table }}
    where is_preliminary
) as open_bar
    on
        covered.vendor = open_bar.vendor
        and covered.timeframe = open_bar.timeframe
        and covered.token_id = open_bar.token_id
        and covered.moment_at = open_bar.moment_at
        and covered.key is not distinct from open_bar.key
{%- endmacro %}
