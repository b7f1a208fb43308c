{#- Rows of a dataset that appeared in a past which had been read without them. -#}
{% macro appearances(dataset) -%}
{%- set token_key = ['vendor', 'timeframe', 'token_id'] -%}
with firsts as not materialized (
    select
        told.vendor,
        {{ dataset.timeframe_column }},
        told.token_id,
        {{ dataset.own_key }} as key,
        told.{{ dataset.moment }} as moment_at,
        told.snapshot_id,
        snapshot.as_of as first_at
    from {{ dataset.as_of_table }} as told
    inner join staging.usable_snapshot as snapshot using (snapshot_id)
    where told.revision = 0
),

-- Fetched later than a bar after their close, and not by the first look at the dataset.
late as (
    select *
    from firsts
    where
        first_at >= moment_at + 2 * bar_length(timeframe)
        {%- if not is_full %}
        -- Whether a row appeared is told by what came before it: those of other nights are told already.
        and snapshot_id > getvariable('last_snapshot_id')
        {%- endif %}
        and first_at > (select min(as_of) from staging.reading where dataset = '{{ dataset.name }}')
),

late_token as (
    select distinct
        vendor,
        timeframe,
        token_id
    from late
),

-- Not before the history of the token as it was held until then: a longer history is no insertion.
inserted as (
    select late.*
    from late
    semi join (
        select firsts.*
        from firsts
        inner join late_token using (vendor, timeframe, token_id)
    ) as earlier
        on
            late.vendor = earlier.vendor
            and late.timeframe = earlier.timeframe
            and late.token_id = earlier.token_id
            and late.moment_at > earlier.moment_at
            and late.first_at > earlier.first_at
),

-- Some earlier look, after the close, covered the moment.
covered as (
    select inserted.*
    from inserted
    semi join staging.reading as reading
        on
            reading.dataset = '{{ dataset.name }}'
            and inserted.vendor = reading.vendor
            and inserted.timeframe = reading.timeframe
            and inserted.first_at > reading.as_of
            and inserted.moment_at + bar_length(inserted.timeframe) <= reading.as_of
            and inserted.moment_at between reading.read_from and reading.read_to
            and (reading.read_token_ids is null or list_contains(reading.read_token_ids, inserted.token_id))
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
-- A bar that had been seen before its close did not appear out of nothing.
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
