-- Vendors that have spoken, numbered: arrays are grouped by numbers.
-- Grain: vendor
select
    vendor,
    row_number() over (order by vendor) as vendor_id
from (select distinct vendor from work.coverage)
