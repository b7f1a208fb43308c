-- Each feed: a dataset of a vendor (of the market, for prices) at one timeframe, from when on something of it was to be
-- expected, which is since somebody first looked, and from when on what it told says what is usual, which is a month more.
-- Grain: dataset, vendor, timeframe
with looked as (
    select
        dataset,
        vendor,
        timeframe,
        bar_floor(timeframe, min(as_of)) - bar_length(timeframe) as expected_from
    from ops.reread
    where as_of <= getvariable('as_of') and is_in_use(timeframe)
    group by dataset, vendor, timeframe
)

select
    *,
    expected_from - 30 * bar_length(timeframe) as told_from
from looked
