-- What the build before knew of staging.feed, which this build makes anew before it is asked for.
-- Grain: dataset, vendor, timeframe
-- Only: increment
from {{ before('staging.feed') }}
