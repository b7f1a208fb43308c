-- One token of a vendor whose calls are found anew, from its first touched signal on (`signal_from`). The closed signal
-- before that (`anchor_at`) is read too, because it gives the side the token was on; for most tokens it is the newest
-- signal of the build before.
-- Grain: vendor, timeframe, token_id
-- Variable: call_from = min(coalesce(anchor_at, '-infinity'::timestamp))
{% if is_full -%}
select distinct
    vendor,
    timeframe,
    token_id,
    '-infinity'::timestamp as signal_from,
    null::timestamp as anchor_at
from core.signal
{%- else -%}
with touched as (
    select
        vendor,
        timeframe,
        token_id,
        touched_from as signal_from
    from staging.touched_row
    where dataset = 'signals'
),

inside as (
    select
        signal.vendor,
        signal.timeframe,
        signal.token_id,
        max(signal.signal_at) as anchor_at
    from core.signal as signal
    inner join touched using (vendor, timeframe, token_id)
    inner join temp.coverage_before as old using (vendor, timeframe, token_id)
    where
        touched.signal_from <= old.newest_signal_at
        and signal.signal_at < touched.signal_from
        and not signal.is_preliminary
    group by all
)

select
    touched.vendor,
    touched.timeframe,
    touched.token_id,
    touched.signal_from,
    case
        when touched.signal_from > old.newest_signal_at then old.newest_signal_at else inside.anchor_at
    end as anchor_at
from touched
left join temp.coverage_before as old using (vendor, timeframe, token_id)
left join inside using (vendor, timeframe, token_id)
{%- endif %}
