-- Rows that somebody looked at again after they had first been fetched closed.
-- Grain: dataset, vendor, timeframe, token_id, key, moment_at
-- Materialized: view
from ({{ reread_rows(datasets.signals, 'core.signal') }})
union all
from ({{ reread_rows(datasets.levels, 'core.level') }})
union all
from ({{ reread_rows(datasets.grades, 'core.grade') }})
union all
from ({{ reread_rows(datasets.quantmetrics, 'core.quantmetric') }})
