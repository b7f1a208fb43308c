-- One row of work.price_source as the build before left it, copied because this build replaces that table before both
-- are compared.
-- Grain: timeframe, token_id
-- Only: increment
from {{ before('work.price_source') }}
