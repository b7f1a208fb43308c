-- Counts what may change the stances under the curves: signals that came late for bars the curves already had; a vendor
-- whose signals had stopped and came again, because it then counts as covering its tokens in between; tokens whose
-- sector changed; and tokens without the newest bars, because only later bars show whether they had stopped trading.
with newest_signal as (
    select
        max(signal_at) as newest_now,
        max(signal_at) filter (where snapshot_id not in (from later_snapshot)) as newest_then
    from core.signal
    where vendor = getvariable('vendor') and timeframe = getvariable('timeframe') and revision = 0
),

last_bar as (
    select
bar.token_id,
max(bar.bar_start) + any_value(span.step) as ended_at
    from bar
    cross join span
    semi join covered using (token_id)
    where bar.timeframe = getvariable('timeframe')
    group by bar.token_id
)

select
    (
        select count(*)
        from later_signal cross join span
        where vendor = getvariable('vendor') and timeframe = getvariable('timeframe') and signal_at + step < newest_end
    )
    + (
        select count(*)
        from newest_signal cross join span
        where newest_now > newest_then and newest_then + 3 * step <= newest_end
    )
    + (
        select count(*)
        from core.token_as_of(getvariable('as_of')) as token_then
        inner join core.token as token on token_then.token_id = token.token_id and token.known_to is null
        semi join covered on token_then.token_id = covered.token_id
        where (token_then.sector, token_then.is_scored) is distinct from (token.sector, token.is_scored)
    )
    + (
        select count(*)
        from last_bar cross join span
        where
            ended_at < newest_end and ended_at >= newest_end - to_seconds(tolerated_seconds(getvariable('timeframe')))
            and exists (
                from core.price_bar as later
                where later.timeframe = getvariable('timeframe') and later.bar_start >= span.newest_end
            )
    ) as n
