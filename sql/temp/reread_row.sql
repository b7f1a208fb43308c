-- Rows that somebody looked at again after they had first been fetched closed.
-- Grain: dataset, vendor, timeframe, token_id, key, moment_at
-- Materialized: view
{% for dataset in datasets.values() if dataset.is_read_again -%}
from ({{ reread_rows(dataset) }})
{{ 'union all' if not loop.last }}
{% endfor -%}
