-- One row that a later delivery covered again after it had first been fetched closed, so that a change of it would have
-- been noticed.
-- Grain: dataset, vendor, timeframe, token_id, key, moment_at
-- Materialized: view
{% for dataset in datasets.values() if dataset.is_read_again -%}
from ({{ reread_rows(dataset) }})
{{ 'union all' if not loop.last }}
{% endfor -%}
