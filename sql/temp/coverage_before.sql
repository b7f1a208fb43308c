-- One row of work.coverage as the build before left it, copied because this build replaces that table before both are
-- compared.
-- Grain: vendor, timeframe, token_id
-- Only: increment
from {{ before('work.coverage') }}
