-- Cells of sectors that take inference, which those with scored calls do.
-- Grain: cell_id
-- Materialized: view
{{ inference_cells('temp.sector_cell', 'sector') }}
