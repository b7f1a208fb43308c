-- Every value that a vendor changed after it had first been seen closed: one row a field and change.
-- Grain: vendor, dataset, token_id, timeframe, key, moment_at, field, revision
from ({{ restatements(datasets.prices, 'core.price_bar') }})
union all
from ({{ restatements(datasets.signals, 'core.signal') }})
union all
from ({{ restatements(datasets.levels, 'core.level') }})
union all
from ({{ restatements(datasets.grades, 'core.grade') }})
union all
from ({{ restatements(datasets.quantmetrics, 'core.quantmetric') }})
