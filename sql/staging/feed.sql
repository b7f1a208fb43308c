-- One feed: a dataset of a vendor (prices: of the market) at one timeframe. Its rows are expected from the bar before
-- its first delivery on (`expected_from`); which tokens usually have rows is learnt from 30 bars more (`usual_from`).
-- Grain: dataset, vendor, timeframe
with feeds as (
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
    expected_from - 30 * bar_length(timeframe) as usual_from
from feeds
