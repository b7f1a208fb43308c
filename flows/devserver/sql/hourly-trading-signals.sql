-- Grain: token x hour, newest first. Signal and position are text.
select
    signal_at as timestamp,
    signals.token_id,
    token_name,
    token_symbol,
    slug,
    close,
    direction::integer::varchar as signal,
    trend::integer::varchar as position
from signals
inner join token on signals.token_id = token.token_id
left join bar_1h on signals.token_id = bar_1h.token_id and bar_start = signal_at
where timeframe = '1h'
order by signal_at desc, draw(signals.token_id, epoch(signal_at)::bigint // 3600)
