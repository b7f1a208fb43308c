-- One cell of the signal scorecard that has scored calls, as its inference reads it.
-- Grain: cell_id
-- Materialized: view
{{ inference_cells('temp.sector_cell', 'sector') }}
