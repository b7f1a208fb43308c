-- One token whose price stretches are found anew: its first bars came, or another of its sources may take over. In an
-- increment few are: a source takes over only where the one in use has no bar for longer than a segment may lack.
-- Grain: timeframe, token_id
{% if is_full -%}
select
    timeframe,
    token_id,
    count(*) as n_sources,
    min(price_source) as price_source
from work.price_source_span
group by all
{%- else -%}
with fresh as (
    select
        timeframe,
        token_id,
        coalesce(price_source, '') as price_source,
        bar_start,
        snapshot_id
    from staging.delivered_prices
    where snapshot_id > getvariable('last_snapshot_id') and not is_preliminary
),

repeated as (
    select
        timeframe,
        token_id
    from fresh
    group by all
    having count(distinct snapshot_id) > 1
),

sources as (
    select
        span.timeframe,
        span.token_id,
        count(*) as n_sources,
        min(span.price_source) as price_source
    from work.price_source_span as span
    semi join fresh using (timeframe, token_id)
    group by all
),

several as (
    from sources
    where n_sources > 1
),

untraded as (
    from work.flat_bar
    where not is_traded
),

fresh_with_trade as (
    from fresh
    anti join untraded using (timeframe, token_id, price_source, bar_start)
),

-- The source in use of each token with several, and the newest of its bars that was used.
in_use as (
    select
        stretch.timeframe,
        stretch.token_id,
        stretch.price_source,
        max(segment_span.last_bar_at) as last_bar_at
    from {{ before('work.price_stretch') }} as stretch
    semi join several using (timeframe, token_id)
    left join {{ before('work.segment_span') }} as segment_span using (timeframe, token_id)
    where stretch.used_to = 'infinity'::timestamp
    group by all
),

continued as (
    select
        in_use.timeframe,
        in_use.token_id,
        in_use.price_source,
        in_use.last_bar_at,
        max(fresh.bar_start) as fresh_last_at
    from in_use
    left join fresh_with_trade as fresh using (timeframe, token_id, price_source)
    group by all
),

-- Other sources that have bars where the one in use has had none for long.
overtaken as (
    select
        continued.timeframe,
        continued.token_id,
        continued.price_source,
        greatest(continued.last_bar_at, continued.fresh_last_at)
        + to_seconds(tolerated_seconds(continued.timeframe)) as silent_at
    from continued
    inner join work.price_source_span as span using (timeframe, token_id)
    where span.price_source <> continued.price_source
    group by all
    having max(span.last_bar_at) > silent_at
)

select
    sources.timeframe,
    sources.token_id,
    sources.n_sources,
    sources.price_source
from sources
left join {{ before('work.price_stretch') }} as stretch using (timeframe, token_id)
where stretch.token_id is null
union
select
    sources.timeframe,
    sources.token_id,
    sources.n_sources,
    sources.price_source
from sources
inner join continued using (timeframe, token_id)
where
    -- Bars of many days at once, or several deliveries, may hide a gap that was there in between.
    continued.fresh_last_at > continued.last_bar_at + to_seconds(tolerated_seconds(sources.timeframe))
    + bar_length(sources.timeframe)
    or (sources.timeframe, sources.token_id) in (from repeated)
union
select
    sources.timeframe,
    sources.token_id,
    sources.n_sources,
    sources.price_source
from sources
inner join overtaken using (timeframe, token_id)
inner join core.price_bar as bar
    on
        overtaken.timeframe = bar.timeframe
        and overtaken.token_id = bar.token_id
        and overtaken.silent_at < bar.bar_start
        and overtaken.price_source <> coalesce(bar.price_source, '')
        and bar.known_to is null
        and not bar.is_preliminary
anti join untraded
    on
        bar.timeframe = untraded.timeframe
        and bar.token_id = untraded.token_id
        and coalesce(bar.price_source, '') = untraded.price_source
        and bar.bar_start = untraded.bar_start
{%- endif %}
