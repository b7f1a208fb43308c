-- One token whose price stretches are found anew: its first bars came, or another of its sources may take over. In an
-- increment few are: a source takes over only where the one in use has no bar for longer than a segment may lack. A
-- token is contested where its stretches must be followed delivery by delivery; else `price_source` is always in use.
-- Grain: timeframe, token_id
{% if is_full -%}
with counted as (
    select
        timeframe,
        token_id,
        count(*) as n_sources,
        min(price_source) as price_source
    from work.price_source_span
    group by all
),

several as (
    from counted
    where n_sources > 1
),

delivery as (
    select
        snapshot_id,
        row_number() over (order by as_of, snapshot_id) as delivery
    from staging.usable_snapshot
),

versions as (
    select
        bar.timeframe,
        bar.token_id,
        coalesce(bar.price_source, '') as price_source,
        bar.bar_start,
        bar.revision,
        is_unmoved(bar.open, bar.high, bar.low, bar.close, bar.volume_usd) as is_unmoved,
        delivery.delivery
    from core.price_bar as bar
    semi join several using (timeframe, token_id)
    inner join delivery using (snapshot_id)
    where not bar.is_preliminary
),

first_source as (
    select
        timeframe,
        token_id,
        arg_min(price_source, (delivery, bar_start, price_source)) as price_source
    from versions
    group by all
),

-- The bars of a token's first source, each with the one before. Where all of them moved, in every version, none was ever
-- missing and they came in their order, no delivery can have shown a gap inside them.
own_bars as (
    select
        timeframe,
        token_id,
        bar_start,
        delivery,
        revision,
        is_unmoved,
        lag(bar_start, 1, bar_start) over own as previous_start,
        lag(delivery, 1, delivery) over own as previous_delivery
    from versions
    semi join first_source using (timeframe, token_id, price_source)
    window own as (partition by timeframe, token_id, revision = 0 order by bar_start)
),

unbroken as (
    select
        timeframe,
        token_id
    from own_bars
    group by all
    having bool_and(
        not is_unmoved
        and (
            revision > 0
            or (
                bar_start <= previous_start + to_seconds(tolerated_seconds(timeframe)) + bar_length(timeframe)
                and delivery >= previous_delivery
            )
        )
    )
),

reached as (
    select
        versions.timeframe,
        versions.token_id,
        versions.delivery,
        max(versions.bar_start) filter (versions.price_source = first_source.price_source) as own_last_at,
        max(versions.bar_start) filter (versions.price_source <> first_source.price_source) as other_last_at
    from versions
    inner join first_source using (timeframe, token_id)
    group by all
),

so_far as (
    select
        timeframe,
        token_id,
        max(own_last_at) over deliveries as own_last_at,
        max(other_last_at) over deliveries as other_last_at
    from reached
    window deliveries as (partition by timeframe, token_id order by delivery)
),

never_overtaken as (
    select
        timeframe,
        token_id
    from so_far
    group by all
    having coalesce(bool_and(other_last_at <= own_last_at + to_seconds(tolerated_seconds(timeframe))), true)
)

select
    counted.timeframe,
    counted.token_id,
    coalesce(first_source.price_source, counted.price_source) as price_source,
    counted.n_sources > 1 and (unbroken.token_id is null or never_overtaken.token_id is null) as is_contested
from counted
left join first_source using (timeframe, token_id)
left join unbroken using (timeframe, token_id)
left join never_overtaken using (timeframe, token_id)
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
),

asked as (
    select
        sources.timeframe,
        sources.token_id
    from sources
    left join {{ before('work.price_stretch') }} as stretch using (timeframe, token_id)
    where stretch.token_id is null
    union
    select
        timeframe,
        token_id
    from continued
    where
        -- Bars of many days at once, or several deliveries, may hide a gap that was there in between.
        fresh_last_at > last_bar_at + to_seconds(tolerated_seconds(timeframe)) + bar_length(timeframe)
        or (timeframe, token_id) in (from repeated)
    union
    select
        overtaken.timeframe,
        overtaken.token_id
    from overtaken
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
)

select
    timeframe,
    token_id,
    price_source,
    n_sources > 1 as is_contested
from sources
semi join asked using (timeframe, token_id)
{%- endif %}
