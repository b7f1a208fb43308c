-- One token with the earliest moment from which its bars in use differ from those of the build before: a bar that is new
-- or revised, one that turned out to be without trade or not, or the first of another source. Bars without trade that
-- are only appended change nothing.
-- Grain: timeframe, token_id
-- Only: increment
with ends as (
    select
        timeframe,
        token_id,
        max(last_bar_at) as last_bar_at
    from {{ before('work.segment_span') }}
    group by all
),

fresh as (
    select
        timeframe,
        token_id,
        coalesce(price_source, '') as price_source,
        bar_start
    from staging.delivered_prices
    where snapshot_id > getvariable('last_snapshot_id') and not is_preliminary
),

untraded as (
    from work.flat_bar
    where not is_traded
),

stretches_before as (
    from temp.changed_price_stretch
    where not is_new
),

touched as (
    from fresh
    anti join untraded using (timeframe, token_id, price_source, bar_start)
    union all
    select
        flat_bar.timeframe,
        flat_bar.token_id,
        flat_bar.price_source,
        flat_bar.bar_start
    from temp.changed_flat_bar as flat_bar
    left join ends using (timeframe, token_id)
    where not flat_bar.is_traded and (not flat_bar.is_new or flat_bar.bar_start <= ends.last_bar_at)
    union all
    select
        timeframe,
        token_id,
        price_source,
        used_from as bar_start
    from temp.changed_price_stretch as stretch
    anti join stretches_before using (timeframe, token_id, used_from)
    where used_from > '-infinity'::timestamp
)

select
    touched.timeframe,
    touched.token_id,
    min(touched.bar_start) as touched_from
from touched
inner join work.price_stretch as stretch using (timeframe, token_id, price_source)
where touched.bar_start >= stretch.used_from and touched.bar_start < stretch.used_to
group by all
