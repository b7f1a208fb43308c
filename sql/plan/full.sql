-- What a full build computes: everything.
create or replace table plan.spine_scope as
select distinct
    timeframe,
    token_id,
    null::timestamp as anchor_at,
    null::integer as anchor_segment,
    null::timestamp as anchor_segment_start,
    null::integer as anchor_n_filled
from core.price_bar;

create or replace table plan.window_scope as
select
    timeframe,
    token_id,
    '-infinity'::timestamp as entry_from,
    null::timestamp as appended_to,
    null::integer as segment
from plan.spine_scope;

create or replace table plan.call_scope as
select distinct
    vendor,
    timeframe,
    token_id,
    '-infinity'::timestamp as signal_from,
    null::timestamp as anchor_at
from core.signal;

create or replace table plan.curve_scope as
select
    timeframe,
    '-infinity'::timestamp as bar_from
from (values {% for timeframe in timeframes %}('{{ timeframe }}'){{ ', ' if not loop.last }}{% endfor %}) as timeframes (timeframe);

create or replace table plan.feed_scope as
select
    dataset,
    vendor,
    timeframe,
    '-infinity'::timestamp as bar_from,
    told_from,
    0 as n_bars_before
from staging.feed;

set variable spine_from = '-infinity'::timestamp;
{% for timeframe in timeframes -%}
set variable window_from_{{ timeframe }} = '-infinity'::timestamp;
{% endfor -%}
set variable call_from = '-infinity'::timestamp;
set variable curve_from = '-infinity'::timestamp;
set variable feed_from = (select min(told_from) from plan.feed_scope);

-- Windows, and the bars under them, that nights replace are no older than the longest horizon; a month is for the nights
-- until these rows move. A full build writes them last: what lies together is read without the rest.
{% for timeframe in horizons -%}
set variable recent_from_{{ timeframe }} = (
    select max(bar_start) - {{ (horizons[timeframe] | max) + 30 }} * bar_length('{{ timeframe }}')
    from core.price_bar
    where timeframe = '{{ timeframe }}'
);
{% endfor -%}
