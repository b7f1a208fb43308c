-- The span in which a vendor covers a token: from its first signal row of the token to 3 bars after its newest signal
-- row of any token. Where the style is `events`, every scored token is covered from the vendor's first row on, without
-- an end, because an alert chooses among all (`newest_signal_at` is NULL for tokens without a row).
-- Grain: vendor, timeframe, token_id
with rows_of_vendor as (
    select
        vendor,
        timeframe,
        token_id,
        signal_at as covered_from,
        signal_at as newest_signal_at
    from core.signal
    where not is_preliminary{{ '' if is_full else " and snapshot_id > getvariable('last_snapshot_id')" }}
    {%- if not is_full %}
    -- Both ends only move outward, so an increment needs the new rows and the spans it has.
    union all
    select
        vendor,
        timeframe,
        token_id,
        covered_from,
        newest_signal_at
    from work.coverage
    {%- endif %}
),

chosen_among as (
    select
        first_row.vendor,
        first_row.timeframe,
        token.token_id,
        first_row.covered_from,
        null::timestamp as newest_signal_at
    from (
        select
            vendor,
            timeframe,
            min(covered_from) as covered_from
        from rows_of_vendor
        group by all
    ) as first_row
    inner join work.style as style using (vendor, timeframe)
    cross join work.current_token as token
    where style.style = 'events' and token.is_scored
),

spans as (
    select
        vendor,
        timeframe,
        token_id,
        min(covered_from) as covered_from,
        max(newest_signal_at) as newest_signal_at
    from (
        from rows_of_vendor
        union all
        from chosen_among
    )
    group by all
)

select
    spans.vendor,
    spans.timeframe,
    spans.token_id,
    spans.covered_from,
    spans.newest_signal_at,
    case style.style
        when 'events' then 'infinity'::timestamp
        else max(spans.newest_signal_at) over (partition by spans.vendor, spans.timeframe)
            + 3 * bar_length(spans.timeframe)
    end as covered_to
from spans
inner join work.style as style using (vendor, timeframe)
