-- Rows that appeared in their vendor's past after somebody had looked there and not found them.
-- Grain: dataset, vendor, timeframe, token_id, key, moment_at
-- Replaces: from fresh where old.dataset = fresh.dataset and old.vendor = fresh.vendor and old.timeframe = fresh.timeframe and old.token_id = fresh.token_id and old.key is not distinct from fresh.key and old.moment_at = fresh.moment_at
from ({{ appearances(datasets.signals, 'core.signal') }})
union all
from ({{ appearances(datasets.levels, 'core.level') }})
union all
from ({{ appearances(datasets.grades, 'core.grade') }})
union all
from ({{ appearances(datasets.quantmetrics, 'core.quantmetric') }})
