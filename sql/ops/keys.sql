{#- The key of a row under the names that all datasets share. -#}
{%- macro shared_key() -%}
{{ dataset.vendor_column }},
    token_id,
    {{ dataset.timeframe_column }},
    {{ dataset.own_key }} as key,
    {{ dataset.moment }} as moment_at
{%- endmacro -%}
-- Keys of the rows of the delivery that is being appended. Rows that a replay hides are among them, because the source
-- has not lost them.
create or replace temporary table delivered_key as
select
    {{ shared_key() }},
    true as is_visible
from incoming
union all
select
    {{ shared_key() }},
    false as is_visible
from hidden;

-- Keys of the rows that earlier snapshots brought.
create or replace temporary view raw_key as
select
    {{ shared_key() }},
    snapshot_id,
    is_preliminary
from raw.{{ dataset.name }};
