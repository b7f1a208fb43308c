-- One row of work.sector_epoch as the build before left it, copied because this build replaces that table before both
-- are compared.
-- Grain: epoch
-- Only: increment
from {{ before('work.sector_epoch') }}
