-- What the build before knew of work.sector_epoch, which this build makes anew before it is asked for.
-- Grain: epoch
-- Only: increment
from {{ before('work.sector_epoch') }}
