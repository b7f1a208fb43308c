-- One price source of a token whose flat bars are found anew, from its first new bar on (`touched_from`), with the bar
-- before that. A full build leaves out the sources that cannot have a flat bar, an increment those that new bars were
-- only appended to and none of them can be flat.
-- Grain: timeframe, token_id, price_source
-- Variable: flat_from = min(touched_from)
{% if is_full -%}
select distinct
    timeframe,
    token_id,
    coalesce(price_source, '') as price_source,
    '-infinity'::timestamp as touched_from,
    null::timestamp as previous_at,
    null::double as previous_close,
    null::timestamp as previous_flat_from
from core.price_bar
where known_to is null and not is_preliminary and is_unmoved(open, high, low, close, volume_usd)
{%- else -%}
with fresh as (
    select
        timeframe,
        token_id,
        coalesce(price_source, '') as price_source,
        min(bar_start) as touched_from,
        bool_or(is_unmoved(open, high, low, close, volume_usd)) as may_be_flat
    from staging.delivered_prices
    where snapshot_id > getvariable('last_snapshot_id') and not is_preliminary
    group by all
),

scope as (
    select
        fresh.*,
        old.last_bar_at,
        old.last_close
    from fresh
    left join {{ before('work.price_source_span') }} as old using (timeframe, token_id, price_source)
    where fresh.may_be_flat or fresh.touched_from <= old.last_bar_at
),

-- The bar before, which is the last of the build before unless a bar of the past came late or was revised.
inside as (
    select
        scope.timeframe,
        scope.token_id,
        scope.price_source,
        max(bar.bar_start) as previous_at,
        arg_max(bar.close, bar.bar_start) as previous_close
    from core.price_bar as bar
    inner join scope
        on
            bar.timeframe = scope.timeframe
            and bar.token_id = scope.token_id
            and coalesce(bar.price_source, '') = scope.price_source
            and bar.bar_start < scope.touched_from
    where bar.known_to is null and not bar.is_preliminary and scope.touched_from <= scope.last_bar_at
    group by all
),

with_previous as (
    select
        scope.timeframe,
        scope.token_id,
        scope.price_source,
        scope.touched_from,
        case when scope.touched_from <= scope.last_bar_at then inside.previous_at else scope.last_bar_at end
            as previous_at,
        case when scope.touched_from <= scope.last_bar_at then inside.previous_close else scope.last_close end
            as previous_close
    from scope
    left join inside using (timeframe, token_id, price_source)
)

select
    with_previous.*,
    flat_bar.flat_from as previous_flat_from
from with_previous
left join {{ before('work.flat_bar') }} as flat_bar
    on
        with_previous.timeframe = flat_bar.timeframe
        and with_previous.token_id = flat_bar.token_id
        and with_previous.price_source = flat_bar.price_source
        and with_previous.previous_at = flat_bar.bar_start
{%- endif %}
