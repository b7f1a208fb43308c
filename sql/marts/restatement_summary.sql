-- One vendor, dataset, timeframe, sector and horizon: which share of its rows the vendor restated, and what that is
-- worth, the hit rate of its calls as first published beside that of the calls in its history today. Signals have a row
-- for each horizon, the other datasets one row with horizon NULL; `all` pools the sectors, so do not add it up.
-- Grain: vendor, dataset, timeframe, sector, horizon
with restated as (
    select distinct
        dataset,
        vendor,
        timeframe,
        token_id,
        key,
        moment_at
    from marts.restatement
    where vendor is not null
),

-- A row that was restated has been read again, even where temp.reread_row, which knows only the last delivery, lacks
-- it.
reread_rows as (
    select
        reread.*,
        false as is_restated
    from temp.reread_row as reread
    anti join restated
        on
            reread.dataset = restated.dataset
            and reread.vendor = restated.vendor
            and reread.timeframe = restated.timeframe
            and reread.token_id = restated.token_id
            and reread.moment_at = restated.moment_at
            and reread.key is not distinct from restated.key
    union all
    select
        *,
        true as is_restated
    from restated
),

row_counts as (
    select
        reread_rows.vendor,
        reread_rows.dataset,
        reread_rows.timeframe,
        coalesce(token.sector, 'all') as sector,
        count(*) as n_reread,
        count(*) filter (where reread_rows.is_restated) as n_restated
    from reread_rows
    inner join work.current_token as token using (token_id)
    group by reread_rows.vendor, reread_rows.dataset, reread_rows.timeframe, rollup (token.sector)
),

-- Scored calls as first published.
scored as (
    select
        vendor,
        timeframe,
        sector,
        horizon,
        n_calls,
        n_hits
    from work.outcome_sum
    where entry_rule = 'next_open'
),

outcomes as not materialized (
    select
        vendor,
        token_id,
        timeframe,
        signal_at,
        sector,
        horizon,
        1 as n_calls,
        hit::integer as n_hits
    from marts.signal_outcome
    where entry_rule = 'next_open' and hit is not null
),

-- Calls on rows that were inserted into the past: they were not published in time, so they are subtracted below.
inserted as (
    select outcomes.*
    from outcomes
    semi join work.appeared_row as appeared
        on
            appeared.dataset = 'signals'
            and outcomes.vendor = appeared.vendor
            and outcomes.token_id = appeared.token_id
            and outcomes.timeframe = appeared.timeframe
            and outcomes.signal_at = appeared.moment_at
),

published as (
    from scored
    union all
    select * exclude (token_id, signal_at) replace (-n_calls as n_calls, -n_hits as n_hits)
    from inserted
),

-- Calls that are gone from today's history. That has the scored calls without these, and with those that replaced them.
withdrawn as (
    select outcomes.*
    from outcomes
    semi join work.restated_call as restated
        on
            outcomes.vendor = restated.vendor
            and outcomes.token_id = restated.token_id
            and outcomes.timeframe = restated.timeframe
            and outcomes.signal_at = restated.signal_at
            and not restated.is_unchanged
),

in_history_now as (
    from scored
    union all
    select * exclude (token_id, signal_at) replace (-n_calls as n_calls, -n_hits as n_hits)
    from withdrawn
    {%- for timeframe in timeframes %}
    {%- for h in horizons[timeframe] %}
    union all
    select
        restated.vendor,
        restated.timeframe,
        restated.sector,
        {{ h }}::integer as horizon,
        1 as n_calls,
        is_hit_at(win.flags, {{ loop.index0 }}, restated.direction) as n_hits
    from work.restated_call as restated
    inner join {{ timeframes[timeframe].windows }} as win
        on restated.token_id = win.token_id and restated.signal_at + bar_length('{{ timeframe }}') = win.entry_at
    where
        restated.timeframe = '{{ timeframe }}' and restated.is_call and not restated.is_unchanged
        and is_scored_at(win.flags, {{ loop.index0 }}) = 1
    {%- endfor %}
    {%- endfor %}
),

published_rates as (
    select
        vendor,
        timeframe,
        horizon,
        coalesce(sector, 'all') as sector,
        sum(n_calls)::bigint as n_calls_published,
        sum(n_hits) / sum(n_calls) as hit_rate_published
    from published
    group by vendor, timeframe, horizon, rollup (sector)
    having sum(n_calls) > 0
),

restated_rates as (
    select
        vendor,
        timeframe,
        horizon,
        coalesce(sector, 'all') as sector,
        sum(n_calls)::bigint as n_calls_restated,
        sum(n_hits) / sum(n_calls) as hit_rate_restated
    from in_history_now
    group by vendor, timeframe, horizon, rollup (sector)
    having sum(n_calls) > 0
),

rates as (
    select
        'signals' as dataset,
        *
    from published_rates
    full join restated_rates using (vendor, timeframe, horizon, sector)
)

select
    vendor,
    dataset,
    timeframe,
    sector,
    rates.horizon,
    coalesce(row_counts.n_reread, 0) as n_reread,
    coalesce(row_counts.n_restated, 0) as n_restated,
    row_counts.n_restated / row_counts.n_reread as restated_share,
    wilson_low(row_counts.n_restated, row_counts.n_reread) as restated_share_low,
    wilson_high(row_counts.n_restated, row_counts.n_reread) as restated_share_high,
    case when dataset = 'signals' then coalesce(rates.n_calls_published, 0) end as n_calls_published,
    rates.hit_rate_published,
    case when dataset = 'signals' then coalesce(rates.n_calls_restated, 0) end as n_calls_restated,
    rates.hit_rate_restated
from row_counts
full join rates using (vendor, dataset, timeframe, sector)
