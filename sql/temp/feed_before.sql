-- One row of staging.feed as the build before left it, copied because this build replaces that table before both are
-- compared.
-- Grain: dataset, vendor, timeframe
-- Only: increment
from {{ before('staging.feed') }}
