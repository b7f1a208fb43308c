-- What the build before knew of work.coverage, which this build makes anew before it is asked for.
-- Grain: vendor, timeframe, token_id
-- Only: increment
from {{ before('work.coverage') }}
