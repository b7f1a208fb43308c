-- What the build before knew of work.price_source, which this build makes anew before it is asked for.
-- Grain: timeframe, token_id
-- Only: increment
from {{ before('work.price_source') }}
