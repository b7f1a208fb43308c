-- Cards of sectors as their own calls make them, without what compares it with the others.
-- Grain: cell_id
select
    cell.cell_id,
    {{ cards('sector') | indent }}
from temp.sector_cell as cell
left join temp.sector_inference as inference using (cell_id)
