-- One vendor that has signals, with a number, because kernels group arrays by numbers.
-- Grain: vendor
select
    vendor,
    row_number() over (order by vendor) as vendor_id
from (select distinct vendor from work.coverage)
