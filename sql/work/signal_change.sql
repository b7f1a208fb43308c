-- One restatement of a signal row with its effect on the call there: whether the change makes the vendor look better
-- (`is_flattering`). Only tokens with a change are read, which are none on most nights.
-- Grain: vendor, token_id, timeframe, signal_at, kind, changed_at
with changed_tokens as (
    select
        vendor,
        token_id,
        timeframe
    from core.signal
    where revision > 0
    union
    select
        vendor,
        token_id,
        timeframe
    from staging.vanished_row
    where dataset = 'signals'
    union
    select
        vendor,
        token_id,
        timeframe
    from work.appeared_row
    where dataset = 'signals'
),

closed as (
    select
        vendor,
        token_id,
        timeframe,
        signal_at,
        direction,
        coalesce(trend, direction) as side,
        known_from,
        revision,
        lag(direction) over (partition by vendor, token_id, timeframe, signal_at order by revision) as direction_before
    from core.signal
    semi join changed_tokens using (vendor, token_id, timeframe)
    where not is_preliminary
),

changes as (
    select
        vendor,
        token_id,
        timeframe,
        signal_at,
        'changed' as kind,
        known_from as changed_at,
        direction_before,
        direction as direction_after,
        revision = 1 as is_first_version
    from closed
    where revision > 0 and direction is distinct from direction_before
    union all
    select
        gone.vendor,
        gone.token_id,
        gone.timeframe,
        gone.moment_at as signal_at,
        'vanished' as kind,
        gone.gone_at as changed_at,
        arg_max(closed.direction, closed.revision) as direction_before,
        null as direction_after,
        max(closed.revision) = 0 as is_first_version
    from staging.vanished_row as gone
    inner join closed
        on
            gone.vendor = closed.vendor
            and gone.token_id = closed.token_id
            and gone.timeframe = closed.timeframe
            and gone.moment_at = closed.signal_at
            and gone.gone_at >= closed.known_from
    where gone.dataset = 'signals'
    group by all
    union all
    select
        appeared.vendor,
        appeared.token_id,
        appeared.timeframe,
        appeared.moment_at as signal_at,
        'appeared' as kind,
        appeared.appeared_at as changed_at,
        null as direction_before,
        closed.direction as direction_after,
        true as is_first_version
    from work.appeared_row as appeared
    inner join closed
        on
            appeared.vendor = closed.vendor
            and appeared.token_id = closed.token_id
            and appeared.timeframe = closed.timeframe
            and appeared.moment_at = closed.signal_at
            and closed.revision = 0
    where appeared.dataset = 'signals'
),

-- Side before the row, taken from today's version of the row before it.
earlier as (
    select
        changes.vendor,
        changes.token_id,
        changes.timeframe,
        changes.signal_at,
        arg_max(closed.side, (closed.signal_at, closed.revision)) as side_before
    from (select distinct
vendor,
token_id,
timeframe,
signal_at
from changes) as changes
    inner join closed
        on
            changes.vendor = closed.vendor
            and changes.token_id = closed.token_id
            and changes.timeframe = closed.timeframe
            and changes.signal_at > closed.signal_at
    group by all
),

-- Every row of events that takes a side is a call, whatever the side before it was.
sided as (
    select
        changes.*,
        call.direction as first_call,
        case style.style when 'events' then 0 else earlier.side_before end as side_before
    from changes
    inner join work.style as style using (vendor, timeframe)
    left join core.call as call using (vendor, token_id, timeframe, signal_at)
    left join earlier using (vendor, token_id, timeframe, signal_at)
),

called as (
    select
        * exclude (direction_before, direction_after, first_call, side_before, is_first_version),
        signal_at + bar_length(timeframe) as entry_at,
        -- Whether the first version was a call is in core.call, by what was known then; whether a later one is follows
        -- from the row before it as it is today.
        case
            when kind = 'appeared' then null
            when is_first_version then first_call
            when direction_before not in (0, side_before) then direction_before
        end as call_before,
        case when direction_after not in (0, side_before) then direction_after end as call_after
    from sided
),

-- How the calls had turned out by the moment of the change, at the longest horizon that was over.
judged as (
    {%- for timeframe in timeframes %}
    select
        called.*,
        {%- for side in ('before', 'after') %}
        case
            {%- for h in horizons[timeframe] | reverse %}
            when
                is_scored_at(win.flags, {{ loop.length - loop.index }}) = 1
                and called.entry_at + {{ h }} * bar_length(called.timeframe) <= called.changed_at
                then is_hit_at(win.flags, {{ loop.length - loop.index }}, called.call_{{ side }}) = 1
            {%- endfor %}
        end as hit_{{ side }}{{ ',' if not loop.last }}
        {%- endfor %}
    from called
    left join {{ timeframes[timeframe].windows }} as win using (token_id, entry_at)
    where called.timeframe = '{{ timeframe }}'
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    vendor,
    token_id,
    timeframe,
    signal_at,
    kind,
    changed_at,
    case
        when coalesce(call_before, 0) = coalesce(call_after, 0) then null
        when (call_before is not null and not hit_before) or (call_after is not null and hit_after) then true
        when (call_before is not null and hit_before) or (call_after is not null and not hit_after) then false
    end as is_flattering
from judged
