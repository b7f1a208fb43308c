-- One row of the signal scorecard (a card) before cards are compared with each other.
-- Grain: cell_id
select
    cell.cell_id,
    {{ cards('sector') | indent }}
from temp.sector_cell as cell
left join temp.sector_inference as inference using (cell_id)
