-- One vendor and timeframe among all of them: how well it chose which token of a sector (selection_edge), over all sectors
-- and both directions at the headline horizon (7 at `1d`, 24 at `1h`, else the second), entered when one could
-- (`tradable`), with one correction over all rows. The best is the one whose interval begins highest; those with too few
-- calls come last, without a rank. The columns that begin with next_open are of every call entered at the next open: as
-- the vendor reports itself. Simple rules (`baseline/…`) are not ranked.
-- Grain: vendor, timeframe
with feeds as (
    select distinct
        vendor,
        timeframe
    from work.coverage
    where not starts_with(vendor, 'baseline/')
),

cards as (
    select card.*
    from marts.signal_scorecard as card
    semi join feeds using (vendor, timeframe)
    where
        card.sector = 'all' and card.direction = 'both' and card.provenance = 'all'
        and (
            {%- for timeframe in timeframes %}
            {{ 'or ' if not loop.first }}(card.horizon = {{ headlines[timeframe] }} and card.timeframe = '{{ timeframe }}')
            {%- endfor %}
        )
),

least as (
    {{ least_marked('cards', 'entry_rule', 'selection_e') | indent }}
),

marked as (
    select
        cards.*,
        case
            when cards.is_reportable and cards.selection_e >= least.least_marked
                then if(cards.selection_edge > 0, 'above', 'below')
        end as mark
    from cards
    left join least using (entry_rule)
),

joined as (
    select
        feeds.vendor,
        feeds.timeframe,
        case feeds.timeframe
            {%- for timeframe in timeframes %}
            when '{{ timeframe }}' then {{ headlines[timeframe] }}
            {%- endfor %}
        end as horizon,
        coalesce(tradable.n_calls, 0) as n_calls,
        coalesce(tradable.is_reportable, false) as is_reportable,
        tradable.selection_edge,
        tradable.selection_low,
        tradable.selection_high,
        tradable.selection_p,
        tradable.selection_e,
        tradable.mark,
        coalesce(next_open.n_calls, 0) as next_open_n_calls,
        coalesce(next_open.is_reportable, false) as next_open_is_reportable,
        next_open.selection_edge as next_open_selection_edge,
        next_open.selection_low as next_open_selection_low,
        next_open.selection_high as next_open_selection_high,
        next_open.selection_p as next_open_selection_p,
        next_open.selection_e as next_open_selection_e,
        next_open.mark as next_open_mark
    from feeds
    left join marked as tradable
        on
            feeds.vendor = tradable.vendor
            and feeds.timeframe = tradable.timeframe
            and tradable.entry_rule = 'tradable'
    left join marked as next_open
        on
            feeds.vendor = next_open.vendor
            and feeds.timeframe = next_open.timeframe
            and next_open.entry_rule = 'next_open'
)

select
    case
        when is_reportable and selection_low is not null
            then rank() over (order by if(is_reportable, selection_low, null) desc nulls last)::integer
    end as rank,
    *
from joined
order by
    rank asc nulls last,
    if(next_open_is_reportable, next_open_selection_low, null) desc nulls last,
    next_open_n_calls desc,
    vendor asc,
    timeframe asc
