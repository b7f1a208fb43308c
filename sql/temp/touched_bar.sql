-- One token with the earliest of its bars that is new or revised.
-- Grain: timeframe, token_id
-- Materialized: view
-- Only: increment
select
    timeframe,
    token_id,
    touched_from
from staging.touched_row
where dataset = 'prices'
