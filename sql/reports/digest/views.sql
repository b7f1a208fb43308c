-- Views that the queries of the digest share: the scorecards as of this and last week's moment, and the outcomes as
-- they were known at this week's. By then a window is scored if its scheduled exit had passed; a truncated one, if it
-- was known that its segment had ended.
create temp table later_snapshot as
select snapshot_id
from ops.snapshot
where as_of > getvariable('as_of') or fetched_at > getvariable('published_at');

-- Signals that were delivered after the moment. A source may claim that it knew them before (known_at), but a digest
-- made at the moment did not have them.
create temp table later_signal as
select
vendor,
token_id,
timeframe,
signal_at
from core.signal
where revision = 0 and snapshot_id in (from later_snapshot);

create temp view call as
from core.call
anti join later_signal using (vendor, token_id, timeframe, signal_at)
where known_at <= getvariable('as_of');

create temp view card as
from marts.scorecard_history
where published_as_of = getvariable('as_of');

create temp view last_card as
from marts.scorecard_history
where published_as_of = getvariable('last_as_of');

create temp view bar as
select
token_id,
timeframe,
bar_start,
open,
high,
low,
close
from core.price_bar
where
    not is_preliminary and known_from <= getvariable('as_of')
    and (known_to > getvariable('as_of') or known_to is null);

create temp table newest_end as
select
timeframe,
max(bar_start) + bar_length(timeframe) as newest_end
from bar
group by timeframe;

create temp view outcome as
select
    outcome.* exclude (symbol),
    token.symbol,
    outcome.entry_at + outcome.horizon * bar_length(outcome.timeframe) as due_at,
    newest_end.newest_end
from marts.signal_outcome as outcome
inner join newest_end using (timeframe)
inner join core.token_as_of(getvariable('as_of')) as token using (token_id)
anti join later_signal using (vendor, token_id, timeframe, signal_at)
where outcome.known_at <= getvariable('as_of');

create temp view scored as
from outcome
where
    hit is not null and due_at <= newest_end
    and (
        status <> 'truncated'
        or exit_at < newest_end - to_seconds(tolerated_seconds(timeframe))
        or exists (
            from core.segment as later
            where
                later.token_id = outcome.token_id and later.timeframe = outcome.timeframe
                and later.started_at >= outcome.exit_at and later.started_at < outcome.newest_end
        )
    );

-- Every daily close of a scored token up to the week's end. `step` is the return since the day before; NULL after a
-- missing day, and after a jump that only a reused ticker explains.
create temp view daily_step as
with closes as (
    select
        bar.token_id,
bar.bar_start,
bar.close,
        bar.close / lag(bar.close) over token - 1 as bar_return,
        bar.bar_start - lag(bar.bar_start) over token as since
    from bar
    inner join core.token_as_of(getvariable('as_of')) as token_row using (token_id)
    where
        bar.timeframe = '1d' and token_row.is_scored and bar.bar_start < getvariable('week_to')
        and bar.bar_start >= getvariable('week_to') - interval 400 days
    window token as (partition by bar.token_id order by bar.bar_start)
)

select
    *,
    if(since = interval 1 day and bar_return between -0.8 and 4, bar_return, null) as step
from closes;

-- The tokens that a vendor covers at one timeframe: those it has given signals about; of events, every scored one.
create temp view covered as
select token_id
from core.signal
where vendor = getvariable('vendor') and timeframe = getvariable('timeframe')
union
select token_id
from core.token
where
    is_scored and known_to is null
    and exists (
        from marts.signal_funnel
        where vendor = getvariable('vendor') and timeframe = getvariable('timeframe') and style = 'events'
    );

-- The end of the curves of one timeframe at the moment, and the length of its bars.
create temp view span as
select
    newest_end,
    bar_length(timeframe) as step
from newest_end
where timeframe = getvariable('timeframe');
