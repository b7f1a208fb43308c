-- One row that a vendor inserted into its past: an earlier delivery had covered its moment without it.
-- Grain: dataset, vendor, timeframe, token_id, key, moment_at
-- Replaces: from fresh where old.dataset = fresh.dataset and old.vendor = fresh.vendor and old.timeframe = fresh.timeframe and old.token_id = fresh.token_id and old.key is not distinct from fresh.key and old.moment_at = fresh.moment_at
{% for dataset in datasets.values() if dataset.is_read_again -%}
from ({{ appearances(dataset) }})
{{ 'union all' if not loop.last }}
{% endfor -%}
