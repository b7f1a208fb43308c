{#- The key of a row under the names that all datasets share. -#}
{%- macro shared_key() -%}
{{ dataset.vendor_column }},
    token_id,
    {{ dataset.timeframe_column }},
    {{ dataset.own_key }} as key,
    {{ dataset.moment }} as moment_at
{%- endmacro -%}
-- The rows of the delivery being taken. Those that a replay hides are in it, because the source did not lose them.
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

-- The rows that earlier snapshots brought.
create or replace temporary view raw_key as
select
    {{ shared_key() }},
    snapshot_id,
    is_preliminary
from raw.{{ dataset.name }};
