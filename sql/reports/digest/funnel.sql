-- What became of every row and call, as it stood at the moment, in the order in which rows become calls.
select
    vendor,
    timeframe,
    step,
    part_of,
    reason,
    horizon,
    n_rows
from marts.funnel_history
where published_as_of = getvariable('as_of') and (n_rows > 0 or step in ('delivered', 'call'))
order by
    vendor asc,
    timeframe asc,
    array_position(
        [
            'delivered', 'quarantined', 'superseded', 'preliminary', 'neutral', 'first_of_token', 'repeated_side', 'call',
            'scored', 'open', 'unpriced', 'excluded'
        ],
        step
    ) asc,
    n_rows desc,
    reason asc
