-- One row of work.style as the build before left it, copied because this build replaces that table before both are
-- compared.
-- Grain: vendor, timeframe
-- Only: increment
from {{ before('work.style') }}
