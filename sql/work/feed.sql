-- Each feed: a dataset of a vendor (of the market, for prices) at one timeframe, and from when on something of it was to be
-- expected, which is since somebody first looked.
-- Grain: dataset, vendor, timeframe
select
    dataset,
    vendor,
    timeframe,
    bar_floor(timeframe, min(as_of)) - bar_length(timeframe) as expected_from
from ops.reread
where as_of <= getvariable('as_of')
group by dataset, vendor, timeframe
