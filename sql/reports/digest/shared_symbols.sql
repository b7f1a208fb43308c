-- Symbols that several tokens share.
select symbol
from core.token_as_of(getvariable('as_of'))
group by symbol
having count(distinct token_id) > 1
order by symbol
